"""What the jobs of one build are made from: sources, channels, downloads, and the packages that they need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.environments.locked import LockedBuildEnvironments, open_channels
from flowlock.builder.package_tests.bench import Bench
from flowlock.builder.package_tests.tested import Tested
from flowlock.builder.package_tests.testing import run as run_tests
from flowlock.builder.plan.cache import Cache, Cached
from flowlock.builder.plan.order import built_with
from flowlock.builder.plan.snapshot import WorkspaceSnapshot
from flowlock.builder.plan.stale import PackageState, cache_of, steps
from flowlock.builder.plan.targets import BuildTarget
from flowlock.builder.vendor import fetch
from flowlock.builder.worker.jobs import BuildJob
from flowlock.builder.worker.workers import Workers
from flowlock.channel import store
from flowlock.report.reporter import Progress
from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Yard:
    """What the jobs of one build are made from."""

    snapshot: WorkspaceSnapshot
    found: Mapping[str, PackageState]
    environments: tuple[str, ...]
    locked: LockedBuildEnvironments
    offline: bool
    progress: Progress
    cache: Cache

    @property
    def workspace(self) -> Workspace:
        """The workspace whose packages are built."""
        return self.snapshot.workspace

    @property
    def cached(self) -> dict[str, Cached]:
        """What need not be built."""
        return {name: step.cached for name, step in self.found.items() if step.cached is not None}

    def needs(self, name: str) -> set[str]:
        """Return the workspace packages that must be there while a package is built."""
        return built_with(self.found[name].target.recipe, self.snapshot.graph, self.snapshot.names)

    def job(self, name: str, held: Mapping[str, Cached]) -> BuildJob:
        """Return a package's job; what it needs of the workspace lies in a channel made for it."""
        step, needed = self.found[name], self.needs(name)
        folder = self.workspace.state.build_channels / "needs" / name
        offer = self.locked.offer(name, folder / "locked") or open_channels(self.environments)
        if needed:
            wanted = [held_artifact(held[need]) for need in sorted(needed)]
            store.put(folder / "channel", wanted, subdirs=(), cache=folder / "cache")
            offer = offer.before(
                folder / "channel", {self.found[need].identity.artifact.stem for need in needed}
            )
        return BuildJob(
            recipe=step.target.recipe,
            identity=step.identity,
            sources=step.package.sources,
            patches=step.package.patches,
            epoch=step.target.epoch,
            offer=offer,
            variant=step.target.variant,
            download=self.fetched(step.target),
        )

    def fetched(self, target: BuildTarget) -> Path | None:
        """Return the file that a vendored package is built from."""
        if target.download is None:
            return None
        return fetch(self.workspace, target.download, offline=self.offline, progress=self.progress)

    def test(self, workers: Workers, held: Mapping[str, Cached]) -> dict[str, str]:
        """Run the packages' own tests where they are due, and return how they stand."""
        folder = self.workspace.state.build_channels / "tests"
        bench = Bench(
            own=self.workspace.release_channel,
            artifacts=[held_artifact(held[name]) for name in self.found],
            channels=self.environments,
            offline=self.offline,
            work=folder,
            state=self.workspace.state,
        )
        return run_tests(
            workers,
            self.found,
            held,
            graph=self.snapshot.graph,
            bench=bench,
            tested=Tested(self.workspace.state.test_outcomes),
            progress=self.progress,
        )


def survey(
    snapshot: WorkspaceSnapshot,
    *,
    environments: Sequence[str],
    lock: Callable[[Mapping[str, BuildTarget]], LockedBuildEnvironments] | None,
    offline: bool,
    progress: Progress,
) -> Yard:
    """Return the state of the packages of a snapshot."""
    locked = lock(snapshot.targets) if lock else LockedBuildEnvironments()
    cache = cache_of(snapshot.workspace)
    return Yard(
        snapshot=snapshot,
        found=steps(snapshot, cache, environment=locked.digest),
        environments=tuple(environments),
        locked=locked,
        offline=offline,
        progress=progress,
        cache=cache,
    )


def held_artifact(cached: Cached) -> store.HeldArtifact:
    """Return a built artifact as the channel enters it."""
    return store.HeldArtifact(artifact=cached.artifact, origin=cached.path)
