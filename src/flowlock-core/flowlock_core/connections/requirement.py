"""What a connection needs beside the run time: a line in the spec's requirements."""

from dataclasses import dataclass
from importlib.util import find_spec

from flowlock_core.errors import TaskError


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineRequirement:
    """A package by its conda name and versions, and the module by which its absence is noticed."""

    package: str
    version: str
    module: str

    @property
    def line(self) -> str:
        """The line for `requirements` of a spec."""
        return f'- {{name: {self.package}, version: "{self.version}"}}'

    def require(self) -> None:
        """Raise a TaskError that has the line, unless the module can be imported."""
        if find_spec(self.module) is None:
            raise TaskError(
                f"the package {self.package} is not in the environment",
                code="FL753",
                parameter="connection",
                hint=f"add `{self.line}` to `requirements` of the spec, and lock the workflow again",
            )
