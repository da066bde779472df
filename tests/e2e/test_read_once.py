"""What a command reads of a workspace, counted."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from checkout import Checkout
from flowlock import workspace
from flowlock.builder.plan import snapshot, targets
from flowlock.commands import lock
from flowlock.commands.recorded_progress import RecordingProgress
from flowlock.commands.session import Profile, Session
from flowlock.commands.sync_stages import run_stages
from flowlock.edges import git
from flowlock.lock.result import LockOptions
from flowlock.recipe import document
from flowlock.report.reporter import PlainProgress, Silent
from unit.lock.universe import channel, package


class Counts:
    """Counts calls of functions, wherever they were imported to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.calls: Counter[str] = Counter()

    def watch(self, module: ModuleType, name: str, label: Callable[..., str]) -> None:
        function = getattr(module, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.calls[label(*arguments)] += 1
            return function(*arguments, **options)

        for user in list(sys.modules.values()):
            if user.__name__.startswith("flowlock") and getattr(user, name, None) is function:
                self._monkeypatch.setattr(user, name, counted)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    counts = Counts(monkeypatch)
    counts.watch(document, "parse", lambda _text, file: f"parse {file}")
    counts.watch(targets, "targets", lambda _workspace: "targets")
    counts.watch(targets, "rendered", lambda _workspace, folder, _recipe: f"render {folder.name}")
    counts.watch(snapshot, "read_snapshot", lambda *_: "snapshot")
    counts.watch(git, "listed", lambda _root: "list of source files")
    return counts


def test_an_idle_sync_reads_each_recipe_once(synced: Checkout, counts: Counts) -> None:
    read = workspace.load(synced.root)
    # What it says is shown when the test fails.
    progress = RecordingProgress(PlainProgress(sys.stderr))
    session = Session(workspace=read, profile=Profile.EMBEDDED, offline=False, progress=progress)
    run_stages(session, check=False, dry_run=False, jobs=None)
    assert progress.idle
    recipes = list(synced.root.glob("recipes/**/recipe.yaml"))
    assert counts.calls == Counter(
        [
            *(f"parse {read.relative(path)}" for path in recipes),
            *(f"render {package.distribution}" for package in read.generated),
            "targets",
            "snapshot",
            # What the compiler knows of tasks is read first: what it writes is a source of what is built.
            *["list of source files"] * 2,
        ]
    )
    assert len(recipes) > 1


@pytest.mark.parametrize("reads", [0, 1])
def test_sources_are_read_only_for_a_lock_that_may_pin_their_packages(
    synced: Checkout, counts: Counts, tmp_path: Path, reads: int
) -> None:
    read = workspace.load(synced.root)
    session = Session(workspace=read, profile=Profile.EMBEDDED, offline=True, progress=Silent())
    served = channel(tmp_path / "served", "https://conda.example/tools", [package("tool")])
    channels = [served.url, read.release_channel][: 1 + reads]
    manifest = tmp_path / "pixi.toml"
    manifest.write_text(
        f'[workspace]\nchannels = {channels}\nplatforms = ["linux-64"]\n[dependencies]\ntool = "*"\n'
    )
    options = LockOptions(offline=True, repodata=(f"{served.url}={served.path}",))
    assert lock.lock(session, [], options, manifest_path=manifest).ok
    assert counts.calls["snapshot"] == counts.calls["targets"] == reads
