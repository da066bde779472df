"""What was published where: digests, URLs and times, kept here and attached to the release."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, Field

from flowlock.edges import files, memo
from flowlock.release.targets.artifact import Item

FILE = "flowlock-ledger.json"
SUMS = "SHA256SUMS"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class LedgerEntry:
    """One artifact at one target; `time` is when it was first known to be served (UTC, RFC 3339)."""

    target: str
    place: str
    sha256: str
    size: int
    url: str
    time: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """All that is known to be served of one tag."""

    tag: str
    commit: str
    entries: tuple[LedgerEntry, ...] = ()

    def with_served(self, target: str, served: Iterable[tuple[Item, str]], now: datetime) -> "Ledger":
        """Return the ledger with these items (and their URLs) at a target; what it knew keeps its time."""
        present = {(entry.target, entry.place, entry.sha256) for entry in self.entries}
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        new = [
            LedgerEntry(
                target=target, place=item.place, sha256=item.sha256, size=item.size, url=url, time=moment
            )
            for item, url in served
            if (target, item.place, item.sha256) not in present
        ]
        return Ledger(tag=self.tag, commit=self.commit, entries=tuple(sorted([*self.entries, *new])))

    def text(self) -> str:
        """Return the ledger as the JSON that is kept and attached."""
        document = {
            "schema": SCHEMA,
            "tag": self.tag,
            "commit": self.commit,
            "artifacts": [asdict(entry) for entry in self.entries],
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read(path: Path, *, tag: str, commit: str) -> Ledger:
    """Return the ledger that is kept, an empty one if there is none or it is of another commit."""
    kept = memo.read_plain(path, _LedgerFile)
    # Only the times of first sight are lost, and the targets are queried for what they serve anyway.
    if kept is None or (kept.form, kept.tag, kept.commit) != (SCHEMA, tag, commit):
        return Ledger(tag=tag, commit=commit)
    return Ledger(tag=tag, commit=commit, entries=tuple(sorted(kept.artifacts)))


class _LedgerFile(BaseModel):
    """The ledger's file."""

    form: int = Field(alias="schema")
    tag: str
    commit: str
    artifacts: list[LedgerEntry]


def write(ledger: Ledger, items: Sequence[Item], folder: Path) -> tuple[Path, Path]:
    """Write the ledger and SHA256SUMS (as `sha256sum --check` reads it); return both paths."""
    sums = "".join(f"{item.sha256}  {item.file}\n" for item in sorted(items, key=lambda item: item.file))
    files.write_text(folder / FILE, ledger.text())
    files.write_text(folder / SUMS, sums)
    return folder / FILE, folder / SUMS
