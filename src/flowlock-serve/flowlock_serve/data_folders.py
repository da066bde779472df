"""The folders that the input files of runs may be in."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock_core.arguments import arguments_of
from flowlock_core.errors import Problem
from flowlock_core.execute.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFolders:
    """Folders, with their links resolved; relative paths start at the first."""

    folders: tuple[Path, ...]

    @property
    def base(self) -> Path:
        """The folder that relative paths start at."""
        return self.folders[0]

    def has(self, path: Path) -> bool:
        """Return whether a path is in one of the folders, whatever links it goes through."""
        try:
            resolved = path.resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        return any(resolved.is_relative_to(folder) for folder in self.folders)

    def problems(
        self, plan: Plan, params: Mapping[str, Mapping[str, Any]], inputs: Collection[Path]
    ) -> Iterator[Problem]:
        """Yield a problem for each parameter that names a file elsewhere; `inputs` are the files of all."""
        if all(self.has(path) for path in inputs):
            return
        for step in plan.steps:
            arguments = arguments_of(step.task.func).by_name
            given = params.get(step.id, {})
            for name in given.keys() & arguments.keys():
                named: set[Path] = set()
                arguments[name].problems(given[name], {"base": self.base, "inputs": named})
                if not all(self.has(path) for path in named):
                    yield self._outside(step.id, name)

    def _outside(self, step: str, parameter: str) -> Problem:
        # The file may exist or not: that is nothing for users of the service to learn.
        return Problem(
            code="FL782",
            message="the file is not in a data folder of the service",
            step=step,
            parameter=parameter,
            hint="name a file in a data folder; the option --data of `serve` adds folders",
        )
