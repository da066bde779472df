"""The wheels of one resolution as conda records' dependencies; pure.

The universe is closed: whatever a wheel requires in the target environment is in it, at a version that fits.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from flowlock.base.convert import applies, version_spec
from flowlock.conda.closure import closure
from flowlock.errors import FlowlockError, Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelMetadata:
    """What a wheel says of itself, as far as a conda record needs it."""

    name: NormalizedName
    version: Version
    requires: tuple[Requirement, ...]
    requires_python: SpecifierSet
    summary: str
    license: str
    home: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Universe:
    """Every wheel of a resolution, the environment that its markers see, and what conda calls it."""

    wheels: Mapping[NormalizedName, WheelMetadata]
    environment: Mapping[str, str]
    conda_name: Callable[[str], str]

    def dependencies(self, name: NormalizedName) -> list[str]:
        """Return the match specs of all that a wheel requires, those of the extras it asks for included.

        conda has no extras: `uvicorn[standard]` stands for uvicorn and for what its extra requires. What is
        missing or does not fit is reported, all of it together.
        """
        wanted: dict[NormalizedName, SpecifierSet] = {}
        problems = []
        for requirement, asker in self._requirements(name):
            target = canonicalize_name(requirement.name)
            wanted[target] = wanted.get(target, SpecifierSet()) & requirement.specifier
            problem = self._problem(requirement, asker)
            if problem is not None:
                problems.append(problem)
        if problems:
            raise FlowlockError(
                f"{name} needs packages that the resolution does not contain", problems=problems
            )
        wanted.pop(name, None)  # `pkg[all]` that requires `pkg[a,b]`
        specs = ((self.conda_name(target), version_spec(versions)) for target, versions in wanted.items())
        return sorted(f"{conda} {spec}".rstrip() for conda, spec in specs)

    def _requirements(self, name: NormalizedName) -> Iterator[tuple[Requirement, NormalizedName]]:
        """Yield every requirement that counts and who asks; extras are followed, and may be circular."""
        for asker, extra in closure([(name, "")], self._extras):
            for requirement in self._applying(asker, extra):
                yield requirement, asker

    def _extras(self, asker: tuple[NormalizedName, str]) -> Iterator[tuple[NormalizedName, str]]:
        """Yield the extras of other wheels that a wheel, or one of its extras, requires."""
        for requirement in self._applying(*asker):
            target = canonicalize_name(requirement.name)
            for extra in sorted(map(canonicalize_name, requirement.extras)):
                yield target, extra

    def _applying(self, asker: NormalizedName, extra: str) -> Iterator[Requirement]:
        """Yield what a wheel requires here, or with an extra only what that adds."""
        for requirement in self.wheels[asker].requires if asker in self.wheels else ():
            of_wheel = applies(requirement.marker, self.environment)
            if extra and of_wheel:
                continue
            if applies(requirement.marker, self.environment, extra):
                yield requirement

    def _problem(self, requirement: Requirement, asker: NormalizedName) -> Problem | None:
        wheel = self.wheels.get(canonicalize_name(requirement.name))
        if wheel is None:
            return Problem(
                code="FL421",
                message=f"{asker} requires `{requirement}`, but the resolution "
                f"does not contain {requirement.name}",
                hint=f"add {requirement.name} to the requirements",
            )
        if requirement.url or requirement.specifier.contains(wheel.version, prereleases=True):
            return None
        return Problem(
            code="FL421",
            message=f"{asker} requires `{requirement}`, but the resolution contains {wheel.version}",
            hint="look for an override in the configuration of uv",
        )
