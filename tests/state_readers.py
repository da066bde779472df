"""Every file that flowlock keeps for itself: what reads it, and contents that it must not have."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowlock.base import interpreter, manifest, wheels
from flowlock.builder.package_tests.outcomes import OutcomeCache
from flowlock.builder.plan.cache import BuildRecord
from flowlock.builder.worker.unpacked import Unpacked
from flowlock.channel import store
from flowlock.channel.index import INDEX_FORM, ChannelIndex
from flowlock.commands import run
from flowlock.commands.foreign_tasks import PARTS
from flowlock.conda.safe_archives import RULES, SafeArchives
from flowlock.edges import memo
from flowlock.edges.stat_cache import StatCache
from flowlock.lock.checked import CheckedLocks
from flowlock.release import ledger
from flowlock.release.ledger import Ledger
from flowlock.running import bytecode, environment
from flowlock.tasks import discover
from flowlock.tasks.verdicts import read_verdicts


def outcomes(path: Path) -> tuple[str | None, bool]:
    kept = OutcomeCache(path)
    return kept.last("a", "x"), kept.passed("a", "x")


PLAIN: tuple[bytes, ...] = (
    b"",
    b"\x00" * 64,
    b"\xff\xfe",
    b"null",
    b"0",
    b'"text"',
    b"[]",
    b"[null]",
    b"{}",
    b"[" * 200_000,
    b'{"a":' * 200_000,
    b'{"schema": 1, "artifacts": 5}',
    b'{"schema": 1, "tag": "v1.0.0", "commit": "c", "artifacts": [{"target": 1}]}',
    b'{"schema": 2, "inputs": [], "interpreter": {}, "edits": 0, "entries": "x"}',
    b'{"schema": 2, "inputs": "", "interpreter": "", "edits": [], "entries": [{"path": 3}]}',
    b'{"packages.conda": []}',
    b'{"packages.conda": {"a-1-0.conda": {"name": "a"}}}',
    b'{"environment": "e", "params": "p", "inputs": [], "outputs": 0}',
)
CONTENTS: tuple[Any, ...] = (
    {},
    {"files 2": 5},
    {"files 2": {"/a": 5}},
    {"files 2": {"/a": [1, 2]}},
    {"files 2": {"/a": [[1, "x"], "y"]}},
    {"form": INDEX_FORM, "records": [], "shards": {}},
    {"form": INDEX_FORM, "records": {"zz": {}}, "shards": {}},
    {"form": INDEX_FORM, "records": {"0" * 64: {"name": "a"}}, "shards": {}},
    {"form": INDEX_FORM, "records": {}, "shards": {"a-1-0.conda": "zz"}},
    {"form": 5},
    {"passed": [], "outcomes": {}},
    {"passed": {"a": 5}, "outcomes": {"a": ["x"]}},
    {"tasks": [5], "errors": []},
    {"tasks": [{"name": 5}], "errors": []},
    {"tasks": [], "errors": [{"task": 1}]},
    {"tasks": [], "errors": [], "more": []},
    {"literals": [{"check": 5, "refusals": []}]},
    {"literals": [{"check": {"holes": 5}, "refusals": [{}]}]},
    {"pins": [{"file": 5}]},
    {"pins": {}},
    {"key": 5},
    {"bin/python": "large"},
    {"package": "a-1-0", "files": {"a.pyc": "large"}},
    {"package": "a-1-0", "files": {"../\0": 5}},
    {"state": ["x"], "answer": 5},
    {"rules": RULES, "sha256": [5]},
    {"rules": RULES + 1, "sha256": ["0" * 64]},
)
# Contents that a reader takes.
SOUND: Mapping[str, tuple[Any, ...]] = {
    "signatures": ({"tasks": [], "errors": []},),
    "resolution": ({"pins": [{"file": "a.whl", "url": "https://h/a.whl", "sha256": "0" * 64}]},),
    "bytecode": ({"package": "a-1-0", "files": {"a.pyc": 5}},),
    "safe archives": ({"rules": RULES, "sha256": ["0" * 64]},),
    "verdicts": ({"literals": [{"check": "x", "refusals": []}]},),
}
READERS: Mapping[str, tuple[Callable[[Path], Any], Any]] = {
    "stat data": (lambda path: StatCache(path).get(path, path.lstat()), None),
    "channel": (lambda path: store.entries(path.parent.parent), []),
    "indices": (lambda path: ChannelIndex(path)._records, {}),
    "artifact": (lambda path: memo.read(path, BuildRecord), None),
    "tests": (outcomes, (None, False)),
    "unpacked": (lambda path: Unpacked(path.parent, path).broken(None), []),
    "base": (lambda path: manifest.load(path.parent), manifest.BaseManifest()),
    "resolution": (wheels._kept, None),
    "checked locks": (lambda path: CheckedLocks(path, [], {})._kept, {}),
    "signatures": (lambda path: discover.kept_description(path, ("tasks", "errors")), None),
    "lookup": (lambda path: discover.kept_description(path, PARTS), None),
    "verdicts": (read_verdicts, {}),
    "environment": (lambda path: environment._is_whole(path.parents[1]), False),
    "bytecode": (lambda path: bytecode.read_kept(path.parent), None),
    "safe archives": (lambda path: SafeArchives(path)._digests, set()),
    "interpreter": (lambda path: memo.read(path, interpreter._CachedAnswer), None),
    "run": (lambda path: run._is_current(path.parent, "e", None), False),
    "results": (lambda path: run._only_of_runs(path.parent), False),
    "ledger": (
        lambda path: ledger.read(path, tag="v1.0.0", commit="c"),
        Ledger(tag="v1.0.0", commit="c"),
    ),
}
NAMES = {
    "channel": "noarch/repodata.json",
    "base": manifest.FILE,
    "bytecode": bytecode.LISTING,
    "environment": str(environment.CONTENTS),
    "run": run.RECORD,
    "results": "of somebody.json",
    "ledger": ledger.FILE,
}
