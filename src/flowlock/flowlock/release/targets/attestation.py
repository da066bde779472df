"""CEP 27: the statement that a publisher signs for one artifact and one channel. Pure."""

import base64
import json
from collections.abc import Mapping
from typing import Any

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


def checked(bundle: bytes, item: Item, channel: str) -> bytes:
    """Return a sigstore bundle if what it signs is the item's statement; the server checks the signature.

    A bundle of another file or channel would be refused by the server after the upload, so it is before.
    """
    try:
        signed = _payload(json.loads(bundle))
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(item, "it is not a sigstore bundle with a signed statement") from error
    expected = statement(item, channel)
    if any(signed.get(key) != value for key, value in expected.items()):
        raise _refused(item, f"it does not attest {item.file} with its sha256 for {channel}")
    return bundle


def _payload(bundle: Mapping[str, Any]) -> Mapping[str, Any]:
    envelope = bundle["dsseEnvelope"]
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise ValueError(envelope["payloadType"])
    payload: Mapping[str, Any] = json.loads(base64.b64decode(envelope["payload"], validate=True))
    return payload


def _refused(item: Item, why: str) -> FlowlockError:
    return FlowlockError(
        f"{item.file}.sigstore.json cannot be used: {why}",
        code="FL818",
        hint="sign the statement of this file and channel, or take the bundle away",
    )
