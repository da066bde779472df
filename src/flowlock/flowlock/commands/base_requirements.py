"""What of the outside world a workspace needs: build tools, and what its workflows need to run."""

from collections.abc import Iterable, Mapping, Sequence

from packaging.utils import canonicalize_name

from flowlock.base.convert import requirement_from_match_spec, wheel_name_table
from flowlock.base.installed import wheels
from flowlock.builder.plan.order import needs
from flowlock.builder.plan.targets import BuildTarget, PackageKind
from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.names import CORE, WEBSERVER
from flowlock.workspace import DagsterLocation, GeneratedPackage, Workspace
from flowlock_core.connections.postgres import Postgres
from flowlock_core.connections.s3 import S3

# conda adds it to every environment that has Python.
PIP = "pip"
# What connections need: these are not task packages, and do not need the run time.
_ENGINES = {model.needs.package for model in (Postgres, S3)}


def requirements(
    workspace: Workspace,
    targets: Mapping[str, BuildTarget],
    wanted: Sequence[GeneratedPackage],
    more: Iterable[str] = (),
) -> list[str]:
    """Return what has to be in the base channel, as PEP 508: pip, build tools, what packages need to run."""
    foreign = _foreign_requirements(targets, [str(package.distribution) for package in wanted])
    specs = {workspace.build_backend, workspace.build_installer, PIP}
    specs = specs.union(more, _servers(wanted), *foreign.values())
    wheel_name = wheel_name_table(workspace.wheel_names)
    wheels_or_none = (requirement_from_match_spec(spec, wheel_name) for spec in sorted(specs))
    requirements = [requirement for requirement in wheels_or_none if requirement is not None]
    names = {canonicalize_name(wheel_name(name_of(spec))) for spec in specs}
    needed = {kind: _needed_by(kind, targets, foreign) for kind in PackageKind}
    of_workflows = needed[PackageKind.WORKFLOW].union(map(name_of, more))
    if of_workflows - needed[PackageKind.PACKAGE] - _ENGINES:
        # The service and task packages need the run time, which no index has; ours replaces it.
        names.add(canonicalize_name(CORE))
    installed = wheels(names, workspace.state.installed_wheels)
    return [*requirements, *(f"{name} @ {path.as_uri()}" for name, path in sorted(installed.items()))]


def _servers(wanted: Iterable[GeneratedPackage]) -> set[str]:
    """Return what a location is developed with, which its package does not require."""
    return {WEBSERVER for package in wanted if isinstance(package, DagsterLocation)}


def _foreign_requirements(
    targets: Mapping[str, BuildTarget], distributions: Iterable[str]
) -> dict[str, set[str]]:
    """Return what distributions, and what they need, require from outside of the workspace."""
    graph = {name: needs(target.recipe, targets) for name, target in targets.items()}
    foreign = {}
    for name in closure([name for name in distributions if name in targets], graph.__getitem__):
        required = targets[name].recipe.requirements("run")
        foreign[name] = {spec for spec in required if name_of(spec) not in targets}
    return foreign


def _needed_by(
    kind: PackageKind, targets: Mapping[str, BuildTarget], foreign: Mapping[str, Iterable[str]]
) -> set[str]:
    """Return the names of the foreign packages that targets of one kind need."""
    of_kind = [specs for name, specs in foreign.items() if targets[name].kind is kind]
    return {name_of(spec) for specs in of_kind for spec in specs}
