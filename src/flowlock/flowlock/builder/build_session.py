"""One build: the state of its packages, and the jobs that build and test them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.environments.locked import LockedBuildEnvironments, open_channels
from flowlock.builder.package_tests.channels import PackageTestChannels
from flowlock.builder.package_tests.outcomes import OutcomeCache
from flowlock.builder.package_tests.testing import run as run_tests
from flowlock.builder.plan.cache import Cache, CachedArtifact
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
class BuildSession:
    """One build: its packages, where their environments come from, and the cache of artifacts."""

    snapshot: WorkspaceSnapshot
    states: Mapping[str, PackageState]
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
    def cached(self) -> dict[str, CachedArtifact]:
        """What need not be built."""
        return {name: state.cached for name, state in self.states.items() if state.cached is not None}

    def needs(self, name: str) -> set[str]:
        """Return the workspace packages that must be there while a package is built."""
        return built_with(self.states[name].target.recipe, self.snapshot.graph, self.snapshot.names)

    def job(self, name: str, held: Mapping[str, CachedArtifact]) -> BuildJob:
        """Return a package's job; what it needs of the workspace is in a channel made for it."""
        state, needed = self.states[name], self.needs(name)
        folder = self.workspace.state.build_channels / "needs" / name
        channel_set = self.locked.channel_set(name, folder / "locked") or open_channels(self.environments)
        if needed:
            wanted = [held_artifact(held[need]) for need in sorted(needed)]
            store.put(folder / "channel", wanted, subdirs=(), cache=folder / "cache")
            channel_set = channel_set.preceded_by(
                folder / "channel", {self.states[need].identity.artifact.stem for need in needed}
            )
        return BuildJob(
            recipe=state.target.recipe,
            identity=state.identity,
            sources=state.package.sources,
            patches=state.package.patches,
            epoch=state.target.epoch,
            channel_set=channel_set,
            variant=state.target.variant,
            download=self.fetched(state.target),
        )

    def fetched(self, target: BuildTarget) -> Path | None:
        """Return the file that a vendored package is built from."""
        if target.download is None:
            return None
        return fetch(self.workspace, target.download, offline=self.offline, progress=self.progress)

    def test(self, workers: Workers, held: Mapping[str, CachedArtifact]) -> dict[str, str]:
        """Run the packages' own tests where they are due, and return how they stand."""
        folder = self.workspace.state.build_channels / "tests"
        channels = PackageTestChannels(
            own=self.workspace.release_channel,
            artifacts=[held_artifact(held[name]) for name in self.states],
            channels=self.environments,
            offline=self.offline,
            work=folder,
            state=self.workspace.state,
        )
        return run_tests(
            workers,
            self.states,
            held,
            graph=self.snapshot.graph,
            channels=channels,
            outcomes=OutcomeCache(self.workspace.state.test_outcomes),
            progress=self.progress,
        )


def start_session(
    snapshot: WorkspaceSnapshot,
    *,
    environments: Sequence[str],
    lock: Callable[[Mapping[str, BuildTarget]], LockedBuildEnvironments] | None,
    offline: bool,
    progress: Progress,
) -> BuildSession:
    """Return the build of a snapshot, with each package's state."""
    locked = lock(snapshot.targets) if lock else LockedBuildEnvironments()
    cache = cache_of(snapshot.workspace)
    return BuildSession(
        snapshot=snapshot,
        states=steps(snapshot, cache, environment=locked.digest),
        environments=tuple(environments),
        locked=locked,
        offline=offline,
        progress=progress,
        cache=cache,
    )


def held_artifact(cached: CachedArtifact) -> store.ChannelArtifact:
    """Return a built artifact as the channel enters it."""
    return store.ChannelArtifact(artifact=cached.artifact, origin=cached.path)
