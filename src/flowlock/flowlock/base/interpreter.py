"""A CPython on this machine: which it is, and whether it can be packaged."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock import process
from flowlock.errors import FlowlockError, Problem

SUPPORTED = ("3.11", "3.12", "3.13")
_OTHERS = (
    "start flowlock with another Python: of pyenv, of `uv python install`, or made by `make install` "
    "(here: `make clean`, then `make PYTHON=… demo`)"
)
# Asked of the interpreter itself; -I and -S keep what is installed there from answering for it.
_PROBE = """
import json, os, platform, sys, sysconfig
variables = sysconfig.get_config_vars()
base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix,
        "installed_base": sys.base_prefix, "installed_platbase": sys.base_exec_prefix}
version = sys.implementation.version
level = "" if version.releaselevel == "final" else version.releaselevel[0] + str(version.serial)
print(json.dumps({
    "prefix": sys.base_prefix,
    "configured": os.path.dirname(variables.get("BINDIR") or ""),
    "variant": getattr(sys, "abiflags", "") + ("t" if variables.get("Py_GIL_DISABLED") else ""),
    "shared": variables.get("INSTSONAME") if variables.get("Py_ENABLE_SHARED") else None,
    "paths": sysconfig.get_paths(vars=base),
    "environment": {
        "implementation_name": sys.implementation.name,
        "implementation_version": "%d.%d.%d%s" % (version[0], version[1], version[2], level),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
    },
}))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A CPython as it answers for itself.

    `environment` is what the markers of PEP 508 see. `configured` is the prefix it was built for, which is
    another than `prefix` where it was moved since. `shared` names its libpython, if it needs one. `variant`
    is empty but for free-threaded and debug builds.
    """

    executable: Path
    prefix: Path
    configured: str
    variant: str
    shared: str | None
    paths: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def version(self) -> str:
        """Return the whole version: 3.12.1."""
        return self.environment["python_full_version"]

    @property
    def series(self) -> str:
        """Return the version that compiled modules are for: 3.12."""
        return self.environment["python_version"]

    @property
    def tag(self) -> str:
        """Return the tag of compiled modules: cp312."""
        return f"cp{self.series.replace('.', '')}"

    @property
    def subdir(self) -> str:
        """Return conda's name of the platform: linux-64."""
        machine = self.environment["platform_machine"]
        return f"linux-{'64' if machine == 'x86_64' else machine}"

    @property
    def stdlib(self) -> Path:
        """Return where the standard library is in the standard layout."""
        return self.prefix / "lib" / f"python{self.series}"


def find(python: Path | None = None) -> Interpreter:
    """Return the interpreter behind an executable, ours if none is named; a venv stands for its base.

    One that cannot be packaged is a FlowlockError with every reason.
    """
    found = _asked(python)
    problems = list(_problems(found))
    if problems:
        raise FlowlockError(f"{found.executable} cannot be packaged", problems=problems)
    return found


def problems(python: Path | None = None) -> list[Problem]:
    """Return why an interpreter (by default ours) cannot be packaged; nothing if it can."""
    try:
        find(python)
    except FlowlockError as error:
        return list(error.problems)
    return []


def _asked(python: Path | None) -> Interpreter:
    """Ask an executable, and if it stands in a virtual environment, the one that this was made of."""
    here = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    asked = _probe(python or (here if here.is_file() else Path(sys.executable)))
    base = asked.prefix / "bin" / f"python{asked.series}"
    if base.is_file() and base != asked.executable:
        return _probe(base)
    return asked


def _probe(executable: Path) -> Interpreter:
    # An interpreter must not find its library through what is set for another.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = process.run([executable, "-I", "-S", "-c", _PROBE], env=environment)
        answer: Mapping[str, Any] = json.loads(done.stdout)
    except (FlowlockError, ValueError) as error:
        raise FlowlockError(
            f"{executable} does not run as a Python: {error}",
            code="FL402",
            hint=_OTHERS,
            detail=error.detail if isinstance(error, FlowlockError) else None,
        ) from error
    return Interpreter(executable=executable, **{**answer, "prefix": Path(answer["prefix"])})


def _problems(python: Interpreter) -> Iterator[Problem]:
    environment = python.environment
    if environment["sys_platform"] != "linux":
        system = environment["platform_system"]
        yield Problem(
            code="FL401",
            message=f"an interpreter is packaged on Linux only, and this is {system}",
            hint="use the conda-forge profile here",
        )
        return
    name = f"{environment['platform_python_implementation']} {python.version}"
    if environment["implementation_name"] != "cpython" or python.series not in SUPPORTED:
        yield Problem(code="FL403", message=f"{name} is not CPython {', '.join(SUPPORTED)}", hint=_OTHERS)
        return
    if python.variant:
        yield Problem(code="FL403", message=f"{name} is a `{python.variant}` build", hint=_OTHERS)
    site = python.stdlib / "site-packages"
    if Path(python.paths["stdlib"]) != python.stdlib or Path(python.paths["purelib"]) != site:
        yield Problem(
            code="FL404",
            message=f"{python.executable} has its distribution's layout (packages in "
            f"{python.paths['purelib']}), which no other prefix can have",
            hint=_OTHERS,
        )
        return
    missing = [path for path in _needed(python) if not path.exists()]
    if missing:
        yield Problem(
            code="FL405",
            message=f"{name} in {python.prefix} is incomplete: {', '.join(map(str, missing))} is missing",
            hint=f"install its development files, or {_OTHERS}",
        )


def _needed(python: Interpreter) -> Iterator[Path]:
    yield python.prefix / "bin" / f"python{python.series}"
    yield python.stdlib / "os.py"
    yield python.stdlib / "ensurepip"
    yield python.stdlib / "lib-dynload"
    yield python.prefix / "include" / f"python{python.series}" / "Python.h"
    if python.shared and ".so" in python.shared:
        yield python.prefix / "lib" / python.shared
