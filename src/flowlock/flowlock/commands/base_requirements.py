"""What of the outside world a workspace needs: build tools, and what its workflows need to run."""

from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

from flowlock.base.convert import requirement_from_match_spec, wheel_name_table
from flowlock.base.installed import wheels
from flowlock.builder.plan.order import needs
from flowlock.builder.plan.targets import BuildTarget, PackageKind
from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.names import CORE
from flowlock.workspace import Workflow, Workspace

# conda adds it to every environment that has Python.
PIP = "pip"


def requirements(
    workspace: Workspace,
    known: Mapping[str, BuildTarget],
    workflows: Iterable[Workflow],
    more: Iterable[str] = (),
) -> list[str]:
    """Return what has to be in the base channel, as PEP 508: pip, build tools, what workflows need to run."""
    distributions = [str(workflow.distribution) for workflow in workflows]
    graph = {name: needs(target.recipe, known) for name, target in known.items()}
    running = closure([name for name in distributions if name in known], graph.__getitem__)
    asked = {name: set(_foreign(known[name], known)) for name in running}
    specs = {workspace.build_backend, workspace.build_installer, PIP}
    specs = specs.union(more, *asked.values())
    wheel_name = wheel_name_table(workspace.wheel_names)
    found = (requirement_from_match_spec(spec, wheel_name) for spec in sorted(specs))
    requirements = [requirement for requirement in found if requirement is not None]
    names = {canonicalize_name(wheel_name(name_of(spec))) for spec in specs}
    ours = {
        name_of(spec) for name in running if known[name].kind is PackageKind.PACKAGE for spec in asked[name]
    }
    theirs = {
        name_of(spec) for name in running if known[name].kind is PackageKind.WORKFLOW for spec in asked[name]
    }
    if theirs.union(map(name_of, more)) - ours:
        # A task package from an index needs the run time, which no index has; ours stands in for it.
        names.add(canonicalize_name(CORE))
    installed = wheels(names, workspace.state.installed_wheels)
    return [*requirements, *(f"{name} @ {path.as_uri()}" for name, path in sorted(installed.items()))]


def _foreign(target: BuildTarget, known: Mapping[str, BuildTarget]) -> list[str]:
    return [spec for spec in target.recipe.requirements("run") if name_of(spec) not in known]
