"""CEP 27: the statement that a publisher signs for one artifact and one channel. Pure."""

import base64
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from flowlock.edges import shapes
from flowlock.errors import FlowlockError
from flowlock.release.targets.artifact import Item

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://schemas.conda.org/attestations-publish-1.schema.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def statement(item: Item, channel: str) -> dict[str, Any]:
    """Return the in-toto statement: one subject, and the channel's URL without a slash at its end."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": item.file, "digest": {"sha256": str(item.sha256)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"targetChannel": channel.rstrip("/")},
    }


class _Envelope(BaseModel):
    """A signed payload (DSSE)."""

    payload_type: str = Field(alias="payloadType")
    payload: str


class _Bundle(BaseModel):
    """What is read of a sigstore bundle."""

    envelope: _Envelope = Field(alias="dsseEnvelope")


def checked(bundle: bytes, item: Item, channel: str) -> bytes:
    """Return a sigstore bundle if what it signs is the item's statement; the server checks the signature.

    A bundle of another file or channel would be refused by the server after the upload, so it is before.
    """
    signed = _signed_statement(bundle)
    if signed is None:
        raise _refused(item, "it is not a sigstore bundle with a signed statement")
    expected = statement(item, channel)
    if any(signed.get(key) != value for key, value in expected.items()):
        raise _refused(item, f"it does not attest {item.file} with its sha256 for {channel}")
    return bundle


def _signed_statement(bundle: bytes) -> Mapping[str, Any] | None:
    """Return what a bundle signs, None if it is not a statement."""
    document = shapes.parsed_or_none(_Bundle, bundle)
    if document is None or document.envelope.payload_type != PAYLOAD_TYPE:
        return None
    try:
        payload = base64.b64decode(document.envelope.payload, validate=True)
    except ValueError:
        return None
    return shapes.parsed_or_none(dict[str, Any], payload)


def _refused(item: Item, why: str) -> FlowlockError:
    return FlowlockError(
        f"{item.file}.sigstore.json cannot be used: {why}",
        code="FL818",
        hint="sign the statement of this file and channel, or remove the bundle",
    )
