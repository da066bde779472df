"""Every path under `.flowlock`, the folder of what can be made again."""

import sys
from dataclasses import dataclass
from pathlib import Path

NAME = ".flowlock"


@dataclass(frozen=True, kw_only=True, slots=True)
class StateFolder:
    """The caches, channels, environments and results of one workspace. Pure: it makes and reads nothing."""

    path: Path

    @classmethod
    def of(cls, workspace: Path) -> "StateFolder":
        """Return the state folder of the workspace at this path."""
        return cls(path=workspace / NAME)

    @property
    def command_lock(self) -> Path:
        """The file that a command locks while it changes the state."""
        return self.path / "lock"

    @property
    def channel(self) -> Path:
        """The local channel: the current builds."""
        return self.path / "channel"

    @property
    def signatures(self) -> Path:
        """The task signatures of each distribution."""
        return self.path / "signatures"

    @property
    def temporary(self) -> Path:
        """The temporary files of running commands, in a folder for each; see `edges.temporary`."""
        return self.path / "temporary"

    @property
    def location_metadata(self) -> Path:
        """The metadata of a location's hand-written packages, with which their sources look installed."""
        return self.path / "location"

    @property
    def logs(self) -> Path:
        """The logs of builds and of packages' own tests."""
        return self.path / "logs"

    def graph(self, workflow: str) -> Path:
        """Return the picture of a workflow's steps that was last shown."""
        return self.path / "graphs" / f"{workflow}.svg"

    @property
    def release_checkout(self) -> Path:
        """The worktree in which a release is prepared."""
        return self.path / "release"

    @property
    def base_channels(self) -> Path:
        """The embedded base channels, one for each version of Python."""
        return self.path / "base"

    def base_channel(self, python: str) -> Path:
        """Return the embedded base channel of one interpreter, by its tag."""
        return self.base_channels / python

    @property
    def running_base(self) -> Path:
        """The embedded base channel of the Python that runs flowlock."""
        return self.base_channel(f"cp{sys.version_info.major}{sys.version_info.minor}")

    def environments(self, *use: str) -> Path:
        """Return the folder of the environments of one use."""
        return self.path.joinpath("envs", *use)

    @property
    def all_results(self) -> Path:
        """The results of all workflows."""
        return self.path / "results"

    def results(self, workflow: str) -> Path:
        """Return where a workflow's run writes unless another folder is named."""
        return self.all_results / workflow

    @property
    def services(self) -> Path:
        """A folder for the runs of each workflow that is served."""
        return self.path / "services"

    def served_runs(self, workflow: str) -> Path:
        """Return where the service of a workflow keeps its runs unless another folder is named."""
        return self.services / workflow

    def git_checkout(self, package: str, commit: str) -> Path:
        """Return where a package of another repository is checked out at a commit."""
        return self.path / "checkouts" / f"{package}-{commit}"

    @property
    def dagster(self) -> Path:
        """The instance of Dagster with which a location is developed."""
        return self.path / "dagster"

    def run_lock(self, results: str) -> Path:
        """Return the file that a run locks while it writes, by the digest of its results folder."""
        return self.path / "running" / f"{results}.lock"

    def published(self, tag: str) -> Path:
        """Return the folder of what is known to be published of a tag."""
        return self.path / "releases" / tag

    @property
    def reusable(self) -> tuple[Path, ...]:
        """What a second sync, in a separate checkout, need not make again."""
        return (self.base_channels, self.cache, self.signatures, self.locks)

    @property
    def throwaway_git(self) -> Path:
        """The git folder without history that lists the files of a workspace outside of any repository."""
        return self.path / "git"

    @property
    def interpreter(self) -> Path:
        """The description of the interpreter of the embedded base channel."""
        return self.cache / "interpreter.json"

    @property
    def edited_python(self) -> Path:
        """The interpreter that was edited for packaging, while it is tried."""
        return self.path / "edited-python"

    # Caches: what is costly to make or to download.

    @property
    def cache(self) -> Path:
        """The folder of all caches."""
        return self.path / "cache"

    @property
    def artifacts(self) -> Path:
        """The archives that were built, with a record of each."""
        return self.cache / "artifacts"

    @property
    def unpacked_packages(self) -> Path:
        """The packages of installed environments, unpacked."""
        return self.cache / "pkgs"

    @property
    def bytecode(self) -> Path:
        """The bytecode of unpacked packages, by Python's tag and version and the package's sha256."""
        return self.cache / "bytecode"

    @property
    def image_layers(self) -> Path:
        """The layers of images, by their digests, and what each was made from."""
        return self.cache / "layers"

    @property
    def pushed_blobs(self) -> Path:
        """Which repositories of registries have which blobs, as far as this workspace pushed them."""
        return self.image_layers / "pushed.json"

    def image(self, workflow: str) -> Path:
        """Return the image of a workflow, as an OCI layout."""
        return self.path / "images" / workflow

    @property
    def archives(self) -> Path:
        """The archives that build environments take from other channels."""
        return self.cache / "archives"

    @property
    def repodata(self) -> Path:
        """The metadata of other channels."""
        return self.cache / "repodata"

    @property
    def wheels(self) -> Path:
        """The wheels of the base channel and of vendored packages."""
        return self.cache / "wheels"

    @property
    def installed_wheels(self) -> Path:
        """The wheels that are made again from what is installed beside flowlock."""
        return self.cache / "installed"

    @property
    def resolutions(self) -> Path:
        """Which wheels a list of requirements resolved to."""
        return self.cache / "resolutions"

    @property
    def archive_digests(self) -> Path:
        """The digests of the base channel's archives by their stat data."""
        return self.cache / "base-stat.json"

    @property
    def installed_digests(self) -> Path:
        """The digests of the archives of environments by their stat data."""
        return self.cache / "installed-stat.json"

    @property
    def safe_archives(self) -> Path:
        """The digests of the archives that are safe to install."""
        return self.cache / "safe-archives.json"

    @property
    def source_digests(self) -> Path:
        """The digests of source files by their stat data."""
        return self.cache / "sources.json"

    @property
    def recipe_refusals(self) -> Path:
        """What the engine says of recipes before it builds, by their contents."""
        return self.cache / "refusals.json"

    @property
    def test_outcomes(self) -> Path:
        """How the packages' own tests ended."""
        return self.cache / "tests.json"

    @property
    def native_needs(self) -> Path:
        """What native packages ask of their build environments."""
        return self.cache / "native.json"

    @property
    def checked_locks(self) -> Path:
        """What each lock was last compared with and found current."""
        return self.cache / "checked-locks.json"

    @property
    def last_outcomes(self) -> Path:
        """The outcomes of commands that found nothing to do, and the states of all that they look at."""
        return self.cache / "last"

    @property
    def not_an_input(self) -> tuple[Path, ...]:
        """What no outcome of a sync or a build depends on: most of it is what installing and running make."""
        return (
            self.path / "envs",
            self.path / "running",
            self.path / "graphs",
            self.all_results,
            self.services,
            self.logs,
            self.unpacked_packages,
            self.bytecode,
            self.installed_digests,
            self.safe_archives,
            self.worker_packages,
            self.command_lock,
            self.last_outcomes,
        )

    # Locks that follow from the embedded base channel, and locks of environments for looking up tasks.

    @property
    def locks(self) -> Path:
        """The locks of the embedded profile."""
        return self.path / "locks"

    @property
    def build_lock(self) -> Path:
        """The embedded profile's lock of build environments."""
        return self.locks / "build.lock"

    def workflow_lock(self, workflow: str) -> Path:
        """Return the embedded profile's lock of a workflow."""
        return self.locks / workflow / "pixi.lock"

    def lookup(self, digest: str) -> Path:
        """Return the folder of the environment in which required packages are inspected."""
        return self.path / "lookups" / digest

    def lookup_result(self, lock: str) -> Path:
        """Return the tasks that an environment had, by its lock's sha256."""
        return self.path / "lookups" / "answers" / f"{lock}.json"

    # Working directories of builds: the command that holds the workspace may delete them.

    @property
    def build_channels(self) -> Path:
        """The channels that are made for single builds and package tests."""
        return self.path / "tmp"

    @property
    def second_builds(self) -> Path:
        """Where packages are built again to compare the bytes."""
        return self.path / "verify"

    @property
    def workers(self) -> Path:
        """The working directories of build processes, and the packages that they unpack."""
        return self.path / "workers"

    @property
    def worker_packages(self) -> Path:
        """The packages of build environments, unpacked."""
        return self.workers / "packages" / "pkgs"

    @property
    def unpacked_digests(self) -> Path:
        """What the packages of build environments had in them when they were unpacked."""
        return self.cache / "unpacked.json"
