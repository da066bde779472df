"""Tasks of packages that are neither of the workspace nor installed, looked up in separate environments.

The environment is solved from the requirements and flowlock-core, on the channels of flowlock.toml only, and
installed; `python -m flowlock_core.command.describe` describes it. The lock is kept by what was
asked and by what the local channels hold, the answer by the lock: a second compile neither solves nor
installs nor imports, and one after a change of other packages only solves.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.commands.base import prepare
from flowlock.commands.build_stage import BuildSettings, build_stage
from flowlock.commands.session import BASE_URL, Profile, Session
from flowlock.conda import platforms, virtual
from flowlock.edges import files, memo
from flowlock.edges.memo import digest_of
from flowlock.lock.manifest.model import (
    DEFAULT,
    Manifest,
    ManifestEnvironment,
    ManifestRequirement,
    channel_url,
)
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.lock.run import lock
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.names import CORE
from flowlock.report.reporter import Silent
from flowlock.running import environment as env
from flowlock.spec.facts import facts_of, plain_channel
from flowlock.spec.model import SpecRequirement
from flowlock.tasks.discover import kept_description, read_description
from flowlock_core.parameters.literals import LiteralCheck

LOCK = "pixi.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class SolvedEnvironments:
    """Describes required packages in environments made for the session's profile."""

    session: Session

    def describe(
        self, requirements: Sequence[SpecRequirement], checks: Collection[LiteralCheck] = ()
    ) -> Mapping[str, Any]:
        """Return the description of the packages' tasks; a FlowlockError says why there is no environment."""
        manifest = self._manifest(requirements)
        lock_file = self._folder(manifest) / LOCK
        kept = self._kept(lock_file, checks)
        if kept is not None:
            return kept
        self.session.progress.working(f"creating an environment with {_names(requirements)}")
        with self.session.exclusive():
            self._prepare(manifest)
            manifest = self._manifest(requirements)
            lock_file = self._folder(manifest) / LOCK
            self._solve(manifest, lock_file)
            kept = self._kept(lock_file, checks)
            return kept if kept is not None else self._ask(requirements, checks, lock_file)

    def _ask(
        self, requirements: Sequence[SpecRequirement], checks: Collection[LiteralCheck], lock_file: Path
    ) -> Mapping[str, Any]:
        """Install the environment of a lock, let it describe its tasks, and keep what it says."""
        literal_checks = [check.as_json() for check in checks]
        literals = lock_file.with_name("literals.json")
        files.write_text(literals, json.dumps(literal_checks))
        command: list[str | Path] = [
            "python",
            "-P",
            "-m",
            "flowlock_core.command.describe",
            "--literals",
            literals,
        ]
        with self._environment(lock_file) as environment:
            done = environment.run(command, each_line=lambda _line: None)
        answer: Mapping[str, Any] = {**read_description(done, _names(requirements)), "asked": literal_checks}
        memo.write(self._answer(lock_file), answer)
        return answer

    def _kept(self, lock_file: Path, checks: Collection[LiteralCheck]) -> Mapping[str, Any] | None:
        """Return what an environment of these records said before, if it was asked all of this."""
        if not lock_file.is_file():
            return None
        kept = kept_description(self._answer(lock_file), PARTS)
        if kept is None:
            return None
        earlier = memo.made_of(kept["asked"], _literal_checks)
        return kept if earlier is not None and earlier.issuperset(checks) else None

    def _answer(self, lock_file: Path) -> Path:
        return self.session.workspace.state.lookup_result(files.sha256_of(lock_file))

    def _manifest(self, requirements: Sequence[SpecRequirement]) -> Manifest:
        """Return the requirements on channels of flowlock.toml as a manifest, with aliases resolved."""
        workspace = self.session.workspace
        channels = self._channels()
        aliases = {plain_channel(name): url for name, url in workspace.channel_aliases.items()}
        facts = facts_of(workspace)
        needed = [ManifestRequirement(name=CORE, spec=CORE)]
        for requirement in requirements:
            name, channel = requirement.name, requirement.channel
            if name is None or (channel and not facts.knows_channel(channel.value)):
                continue
            spec = name.value
            if requirement.version is not None and requirement.version.value.strip() != "*":
                spec = f"{name.value} {requirement.version.value}"
            needed.append(ManifestRequirement(name=name.value, spec=spec, location=name.at))
            if channel and plain_channel(channel.value) in aliases:
                channels.append(aliases[plain_channel(channel.value)])
        target = virtual.target(platforms.current())
        environment = ManifestEnvironment(
            name=DEFAULT,
            channels=tuple(dict.fromkeys(map(channel_url, channels))),
            platforms=(target,),
            requirements={target.name: tuple(needed)},
        )
        return Manifest(label="the lookup of tasks", file="requirements", environments=(environment,))

    def _channels(self) -> list[str]:
        """Return the channels of the session's profile, the release channel first."""
        workspace = self.session.workspace
        channels: list[str] = []
        # Before the first release nobody serves the release channel; what it would hold is built here.
        if self.session.channel.is_dir():
            channels.append(workspace.release_channel)
        if self.session.profile is Profile.EMBEDDED:
            channels.append(BASE_URL)
        else:
            channels.extend(workspace.other_channels)
        return channels

    def _folder(self, manifest: Manifest) -> Path:
        """Return where the lock is kept: another question, or other local packages, another place."""
        (environment,) = manifest.environments
        specs = sorted(needed.spec for needed in chain.from_iterable(environment.requirements.values()))
        indexes: list[str] = []
        for folder in self._folders():
            for subdir in ("noarch", platforms.current()):
                index = folder.repodata(subdir)
                if index is not None:
                    indexes.append(files.sha256_of(index))
        facts = [platforms.current(), environment.channels, specs, indexes]
        name = digest_of(facts)[:16]
        return self.session.workspace.state.lookup(name)

    def _folders(self) -> list[ChannelFolder]:
        mirrors = self.session.mirrors()
        return [
            ChannelFolder(url=channel_url(url), path=folder)
            for url, folder in mirrors.items()
            if folder.is_dir()
        ]

    def _prepare(self, manifest: Manifest) -> None:
        """Add what is requested to the local channels: wheels of an index, and our own run time."""
        (environment,) = manifest.environments
        needed = chain.from_iterable(environment.requirements.values())
        specs = [requirement.spec for requirement in needed if requirement.name != CORE]
        workspace = self.session.workspace
        own = [package.name for package in workspace.packages if package.name == CORE]
        snapshot = read_snapshot(workspace, own)
        prepare(self.session, snapshot.targets, specs)
        if own:
            build_stage(replace(self.session, progress=Silent()), snapshot, BuildSettings())

    def _solve(self, manifest: Manifest, lock_file: Path) -> None:
        session = self.session
        options = LockOptions(offline=session.offline, cache=session.workspace.state.repodata)
        target = LockTarget(manifest=manifest, path=lock_file, shown=session.workspace.relative(lock_file))
        lock([target], folders=self._folders(), own={}, options=options, progress=session.progress)

    def _environment(self, lock_file: Path) -> AbstractContextManager[env.Environment]:
        session = self.session
        places = session.environments("lookups", lock_file.parent.name)
        return env.installed(
            lock_file, DEFAULT, platforms.current(), places=places, progress=session.progress
        )


# What is kept of an environment.
PARTS = ("tasks", "errors", "literals", "asked")


def _literal_checks(document: Iterable[Mapping[str, Any]]) -> set[LiteralCheck]:
    return set(map(LiteralCheck.from_json, document))


def _names(requirements: Sequence[SpecRequirement]) -> str:
    return ", ".join(requirement.name.value for requirement in requirements if requirement.name)
