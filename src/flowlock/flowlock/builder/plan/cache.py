"""The artifact cache: archives under names that determine their bytes, each vouched for by a record."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flowlock.builder.contents.remarks import NO_REMARKS, Remarks
from flowlock.builder.plan.identity import Identity, cache_key
from flowlock.builder.plan.result import JobResult
from flowlock.conda import archive
from flowlock.conda.artifact import Artifact
from flowlock.edges import files, memo
from flowlock.edges.shapes import Sha256Text
from flowlock.edges.stat_cache import StatCache
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

SCHEMA = 3
# Of how many surroundings it is remembered that they gave the same bytes: profiles, engines, environments.
REMEMBERED = 16
# The inputs of what each package last had in the channel, to tell what changed; nothing relies on them.
LAST = "last"


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedArtifact:
    """An artifact that is here, whole, and made of what its record says.

    `keys` are the cache keys under which it was made: an identity in surroundings that gave these bytes.
    """

    artifact: Artifact
    path: Path
    keys: tuple[str, ...]
    remarks: Remarks = NO_REMARKS


class BuildRecord(BaseModel):
    """What is kept of an artifact: what it was made from, under which keys, and the remarks on it."""

    form: int
    identity: str
    sha256: Sha256Text
    keys: list[str]
    inputs: dict[str, Any]
    remarks: dict[str, Any]


# Of what kind the parts of inputs are that are compared one by one.
_TABLES = ("sources", "needs", "recipe", "surroundings", "variant")


def _are_inputs(document: Mapping[str, Any]) -> bool:
    """Return whether a document can be compared with the inputs of today."""
    tables = all(isinstance(document.get(key, {}), Mapping) for key in _TABLES)
    return tables and isinstance(document.get("pins", []), list)


class Cache:
    """Artifacts and their records in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests = StatCache(folder.parent / "artifacts-stat.json")

    def tidy(self) -> None:
        """Remove what killed writers left; the caller must hold the lock of the workspace."""
        files.forget_temporaries(self._folder, self._folder / LAST, self._folder.parent)

    def find(self, identity: Identity) -> CachedArtifact | None:
        """Return the artifact of an identity if its bytes are those that were recorded, else None."""
        record, path = self.record(identity), self._folder / identity.artifact.file
        if record is None or not path.is_file() or self._digests.sha256(path) != record.sha256:
            return None
        remarks = memo.made_of(record.remarks, Remarks.from_json)
        if remarks is None:
            return None
        artifact = replace(identity.artifact, sha256=Sha256(record.sha256))
        return CachedArtifact(artifact=artifact, path=path, keys=tuple(record.keys), remarks=remarks)

    def record(self, identity: Identity) -> "BuildRecord | None":
        """Return what was recorded of an identity's artifact, whether or not it is still here."""
        record = self._record(identity.artifact.stem)
        return record if record and record.identity == identity.digest else None

    def inputs(self, stem: str) -> dict[str, Any] | None:
        """Return the inputs that an artifact was made from, by its file name without the extension."""
        record = self._record(stem)
        return record.inputs if record else None

    def _record(self, stem: str) -> "BuildRecord | None":
        record = memo.read(self._folder / f"{stem}.json", BuildRecord)
        return record if record and record.form == SCHEMA and _are_inputs(record.inputs) else None

    def last(self, name: str, variant: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the inputs of what a package last had in the channel, to determine what changed since."""
        inputs = memo.read(self._last(name, variant), dict[str, Any])
        return inputs if inputs is not None and _are_inputs(inputs) else None

    def entered(self, name: str, inputs: Mapping[str, Any]) -> None:
        """Keep the inputs of what a package has in the channel from now on."""
        memo.write(self._last(name, inputs.get("variant", {})), inputs)

    def _last(self, name: str, variant: Mapping[str, str]) -> Path:
        values = "".join(f"-{key}-{value}" for key, value in sorted(variant.items()))
        return self._folder / LAST / f"{name}{re.sub(r'[^A-Za-z0-9._-]', '_', values)}.json"

    def add(
        self,
        identity: Identity,
        made: JobResult,
        *,
        inputs: dict[str, Any],
        surroundings: Mapping[str, Any],
        portable: bool,
    ) -> CachedArtifact:
        """Keep an artifact; other bytes than those recorded for its identity are an error, never a change."""
        data = made.data
        sha256 = Sha256(hashlib.sha256(data).hexdigest())
        record, path = self.record(identity), self._folder / identity.artifact.file
        if portable and record is not None and record.sha256 != sha256:
            raise self._not_reproducible(identity, data)
        files.write_bytes(path, data)
        keys = [cache_key(identity.digest, surroundings=surroundings)]
        if record is not None and record.sha256 == sha256:
            keys += [Sha256(key) for key in record.keys if key not in keys]
        keys = keys[:REMEMBERED]
        document = {
            "form": SCHEMA,
            "identity": identity.digest,
            "sha256": sha256,
            "keys": keys,
            "inputs": inputs,
            "remarks": made.remarks.as_json(),
        }
        memo.write(self._folder / f"{identity.artifact.stem}.json", document)
        artifact = replace(identity.artifact, sha256=sha256)
        return CachedArtifact(artifact=artifact, path=path, keys=tuple(keys), remarks=made.remarks)

    def save(self) -> None:
        """Keep what was learned of the files here."""
        self._digests.save([self._folder])

    def _not_reproducible(self, identity: Identity, data: bytes) -> FlowlockError:
        path = self._folder / identity.artifact.file
        detail = "the earlier artifact is missing, so it cannot be compared"
        if path.is_file():
            rejected = self._folder / "rejected" / identity.artifact.file
            files.write_bytes(rejected, data)
            detail = difference(path, rejected)
        return FlowlockError(
            f"{identity.artifact.name} is not reproducible: the same inputs produced different bytes",
            code="FL540",
            detail=detail,
            hint="make the build independent of the time, the order and the location",
        )


def difference(first: Path, second: Path) -> str:
    """Return the first files in which two archives differ, with their first differing lines."""
    before = {member.path: member for member in archive.read(first)}
    after = {member.path: member for member in archive.read(second)}
    lines = []
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) == after.get(path):
            continue
        lines.append(path)
        if path in before and path in after:
            lines += _first_difference(before[path].data, after[path].data)
        else:
            lines.append("  only in the " + ("first" if path in before else "second"))
    return "\n".join(lines) or "the files are identical, but the archives differ"


def _first_difference(first: bytes, second: bytes) -> list[str]:
    if b"\0" in first or b"\0" in second:
        return ["  binary files differ"]
    old, new = first.decode(errors="replace").splitlines(), second.decode(errors="replace").splitlines()
    for number in range(max(len(old), len(new))):
        pair = [rows[number] if number < len(rows) else "" for rows in (old, new)]
        if pair[0] != pair[1]:
            return [f"  line {number + 1}:", f"  - {pair[0][:200]}", f"  + {pair[1][:200]}"]
    return ["  line endings or modes differ"]
