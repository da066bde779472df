"""The settings of a connection, gathered from the environment and the connections file."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flowlock_core.connections.file import ConnectionsFile, find_file, read_file
from flowlock_core.connections.problems import SettingsError
from flowlock_core.errors import Location, Problem

# Ours first; the second is that of ecoscope-workflows.
PREFIXES = ("FLOWLOCK_CONNECTIONS__", "ECOSCOPE_WORKFLOWS__CONNECTIONS__")
# Kind, name, setting.
_PARTS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a setting is from: a variable of the environment, or a place in the file."""

    variable: str | None = None
    location: Location | None = None

    def __str__(self) -> str:
        return self.variable or str(self.location)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedSettings:
    """The settings of one connection as they were found, and where each is from."""

    values: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)


class Sources:
    """The environment and the connections file; the file is read when a setting is first needed."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.environ = os.environ if environ is None else environ

    @cached_property
    def file(self) -> ConnectionsFile | None:
        """The connections file, if there is one; a SettingsError explains why it cannot be used."""
        path = find_file(self.environ)
        return None if path is None else read_file(path)

    def settings(self, kind: str, name: str) -> ResolvedSettings:
        """Return what is set for a connection: a variable counts more than the file, setting by setting."""
        values: dict[str, Any] = {}
        origins: dict[str, Origin] = {}
        if self.file is not None:
            for setting, value in self.file.section(kind, name).items():
                values[setting] = value
                origins[setting] = Origin(location=self.file.place(kind, name, setting))
        for variable, setting in self._variables(kind, name):
            values[setting] = self.environ[variable]
            origins[setting] = Origin(variable=variable)
        return ResolvedSettings(values=values, origins=origins)

    def names(self, kind: str) -> list[str]:
        """Return the names of the connections of a kind for which anything is set."""
        names = {name for _, (of_kind, name, _) in self._all_variables() if of_kind == kind}
        if self.file is not None:
            names |= self.file.sections.get(kind, {}).keys()
        return sorted(names)

    def _variables(self, kind: str, name: str) -> Iterator[tuple[str, str]]:
        """Yield the variables of a connection with the settings that they are for, the strongest last."""
        for prefix in reversed(PREFIXES):
            chosen: dict[str, str] = {}
            for variable, path in self._all_variables():
                of_kind, of_name, setting = path
                if (of_kind, of_name) != (kind, name) or not variable.upper().startswith(prefix):
                    continue
                other = chosen.setdefault(setting, variable)
                if self.environ[other] != self.environ[variable]:
                    message = (
                        f"the environment variables {other} and {variable} set the same setting "
                        "to different values"
                    )
                    raise SettingsError(Problem(code="FL752", message=message, hint="unset one of them"))
            for setting, variable in chosen.items():
                yield variable, setting

    def _all_variables(self) -> Iterator[tuple[str, tuple[str, str, str]]]:
        """Yield each variable that sets something, with kind, name and setting; an empty one sets nothing."""
        for variable in sorted(self.environ):
            path = path_of_variable(variable)
            if path is not None and self.environ[variable]:
                yield variable, path


def path_of_variable(variable: str) -> tuple[str, str, str] | None:
    """Return the kind, the name and the setting that a variable is for; cases do not matter."""
    upper = variable.upper()
    for prefix in PREFIXES:
        if upper.startswith(prefix):
            parts = upper.removeprefix(prefix).lower().split("__")
            if len(parts) == _PARTS and all(parts):
                return parts[0], parts[1], parts[2]
    return None


def variable_for(kind: str, name: str, setting: str) -> str:
    """Return the name of the environment variable for a setting."""
    return f"{PREFIXES[0]}{kind}__{name}__{setting}".upper()
