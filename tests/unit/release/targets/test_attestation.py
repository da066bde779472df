"""A sigstore bundle beside an artifact: whatever it holds, it is used or refused by name."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from flowlock.conda.artifact import Artifact
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.targets import attestation
from flowlock.release.targets.artifact import Item

CHANNEL = "https://prefix.dev/birds"
DIGEST = Sha256("ab" * 32)
ARTIFACT = Artifact(name="birds", version="1", build="0", number=0, subdir="noarch", sha256=DIGEST)
ITEM = Item(path=Path(ARTIFACT.file), file=ARTIFACT.file, sha256=DIGEST, size=1, artifact=ARTIFACT)


def bundle(payload: Any, kind: str = attestation.PAYLOAD_TYPE) -> bytes:
    encoded = base64.b64encode(
        payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    ).decode()
    return json.dumps({"dsseEnvelope": {"payloadType": kind, "payload": encoded}}).encode()


def test_a_bundle_that_signs_the_statement_is_used_as_it_is() -> None:
    signed = bundle(attestation.statement(ITEM, CHANNEL))
    assert attestation.checked(signed, ITEM, f"{CHANNEL}/") == signed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"[" * 200_000,
        b'{"dsseEnvelope": 5}',
        b'{"dsseEnvelope": {"payloadType": "application/vnd.in-toto+json", "payload": "!"}}',
        bundle([]),
        bundle(b"[" * 200_000),
        bundle(b"\xff"),
        bundle({}, kind="text/plain"),
    ],
)
def test_what_is_not_a_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(FlowlockError, match="is not a sigstore bundle") as refused:
        attestation.checked(data, ITEM, CHANNEL)
    assert refused.value.problems[0].code == "FL818"


def test_a_bundle_of_another_channel_is_refused() -> None:
    signed = bundle(attestation.statement(ITEM, "https://prefix.dev/others"))
    with pytest.raises(FlowlockError, match="does not attest"):
        attestation.checked(signed, ITEM, CHANNEL)
