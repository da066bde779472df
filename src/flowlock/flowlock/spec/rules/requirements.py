"""Rules for requirements: well-formed, named once, from channels that flowlock.toml knows, and there."""

from collections.abc import Iterator

from flowlock.errors import Location, Problem, nearest
from flowlock.names import PackageName
from flowlock.spec.catalog import Scope
from flowlock.spec.facts import WorkspaceFacts
from flowlock.spec.model import Spec, SpecRequirement
from flowlock.spec.versions import meets, pep440
from flowlock_core.documents.nodes import shown


def check_requirements(spec: Spec, scope: Scope, facts: WorkspaceFacts) -> Iterator[Problem]:
    """Check names, versions and channels, and say which packages have tasks that nobody could look up."""
    seen: dict[str, Location] = {}
    for requirement in spec.requirements:
        yield from _check_match_spec(requirement, scope, facts)
        yield from _check_channel(requirement, facts)
        name = requirement.name
        if name:
            first = seen.setdefault(name.value, name.at)
            if first is not name.at:
                hint = f"the first is on line {first.line}"
                message = f"the package `{shown(name.value)}` is required twice"
                yield Problem(code="FL152", message=message, location=name.at, hint=hint)
    yield from _check_present(spec, scope, facts)


def _check_match_spec(requirement: SpecRequirement, scope: Scope, facts: WorkspaceFacts) -> Iterator[Problem]:
    name, version = requirement.name, requirement.version
    if name:
        try:
            PackageName(name.value)
        except ValueError as error:
            message = str(error).replace(name.value, shown(name.value))
            yield Problem(code="FL150", message=message, location=name.at)
    if version:
        try:
            pep440(version.value)
        except ValueError as error:
            yield Problem(code="FL150", message=shown_sentence(str(error)), location=version.at)
            return
        yield from _check_own_version(requirement, scope, facts)


def _check_own_version(
    requirement: SpecRequirement, scope: Scope, facts: WorkspaceFacts
) -> Iterator[Problem]:
    """Check that the workspace's own package of a name meets the version: no other can be locked."""
    name, version = requirement.name, requirement.version
    if name is None or version is None:
        return
    own = scope.catalog.own_versions.get(facts.distribution(name.value))
    if own is not None and not meets(own, version.value):
        condition = shown(version.value)
        message = f"the workspace's own {name.value} has the version {own}, which `{condition}` excludes"
        hint = f"write a version that {own} meets, such as >={own}"
        yield Problem(code="FL153", message=message, location=version.at, hint=hint)


def shown_sentence(text: str) -> str:
    """Return a sentence on one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]


def _check_channel(requirement: SpecRequirement, facts: WorkspaceFacts) -> Iterator[Problem]:
    channel = requirement.channel
    if channel and not facts.knows_channel(channel.value):
        channels = sorted(facts.channels)
        hint = None if "://" in channel.value else nearest(channel.value, channels)
        hint = hint or "add the channel, or an alias for it, to [channels] of flowlock.toml if you trust it"
        message = f"the channel `{shown(channel.value)}` is not listed in flowlock.toml"
        yield Problem(code="FL151", message=message, location=channel.at, hint=hint)


def _check_present(spec: Spec, scope: Scope, facts: WorkspaceFacts) -> Iterator[Problem]:
    """Name the packages that are neither here nor installed, if a task is unknown: they may own it."""
    names = {text.value for step in spec.steps if (text := step.task)}
    if all(scope.catalog.knows(name) for name in names):
        return
    for requirement in spec.requirements:
        name = requirement.name
        if name and facts.distribution(name.value) not in scope.catalog.distributions:
            message = f"the package `{shown(name.value)}` is neither in the workspace nor installed"
            hint = (
                "its tasks cannot be looked up; install it in the environment "
                "of flowlock, or put its source under src/"
            )
            why = scope.catalog.unavailable.get(facts.distribution(name.value))
            message += f", and no environment can be made with it: {shown_sentence(why)}" if why else ""
            yield Problem(code="FL132", message=message, location=name.at, hint=hint)
