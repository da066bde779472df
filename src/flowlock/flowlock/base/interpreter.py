"""A CPython on this machine: which it is, and whether it can be packaged."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flowlock.base import debian
from flowlock.edges import memo, process
from flowlock.edges.stat_cache import signature
from flowlock.errors import FlowlockError, Problem

OLDEST = (3, 11)
# What the letters of `sys.abiflags` stand for.
_VARIANTS = {"t": "free-threaded", "d": "debug"}
_OTHERS = (
    "run flowlock with another Python: from pyenv, `uv python install` or `make install` "
    "(here: `make clean`, then `make PYTHON=… demo`)"
)
# Queried from the interpreter itself; -I and -S keep what is installed there from answering for it.
_PROBE = """
import _imp, json, os, platform, sys, sysconfig
variables = sysconfig.get_config_vars()
base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix,
        "installed_base": sys.base_prefix, "installed_platbase": sys.base_exec_prefix}
version = sys.implementation.version
level = "" if version.releaselevel == "final" else version.releaselevel[0] + str(version.serial)
flags = getattr(sys, "abiflags", "")
if variables.get("Py_GIL_DISABLED") and "t" not in flags:
    flags += "t"
library = variables.get("INSTSONAME") if variables.get("Py_ENABLE_SHARED") else None
if library and os.path.exists("/proc/self/maps"):
    # Debian builds a library too, which its program does not load.
    with open("/proc/self/maps", errors="replace") as maps:
        library = library if library in maps.read() else None
print(json.dumps({
    "prefix": sys.base_prefix,
    "build_folders": [variables[name] for name in ("abs_srcdir", "abs_builddir") if variables.get(name)],
    "configured": os.path.dirname(variables.get("BINDIR") or ""),
    "variant": flags,
    "shared": library,
    "frozen_site": _imp.is_frozen("site"),
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
    another than `prefix` where it was moved since, and `build_folders` is where that was done. `shared` names
    the libpython that it loads, if it does. `variant` is empty but for free-threaded and debug builds.
    `frozen_site` says whether the module `site` is compiled into it. `edits` are what its packaged copy has
    otherwise.
    """

    executable: Path
    prefix: Path
    configured: str
    build_folders: Sequence[str]
    variant: str
    shared: str | None
    frozen_site: bool
    paths: Mapping[str, str]
    environment: Mapping[str, str]
    edits: tuple[debian.InterpreterEdit, ...] = ()

    @property
    def version(self) -> str:
        """Return the whole version: 3.12.1; the `+` of a build between two releases is left out."""
        return self.environment["python_full_version"].removesuffix("+")

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


def find(python: Path | None = None, *, kept: Path | None = None) -> Interpreter:
    """Return the interpreter behind an executable, ours if none is named; a venv stands for its base.

    `kept` is where its answer is kept while its program and this system stay what they are. An interpreter
    that cannot be packaged is a FlowlockError with every reason.
    """
    interpreter = _inspect(python, kept)
    # Where the files of an interpreter of the wrong kind are does not matter.
    problems = list(_kind_problems(interpreter)) or list(_layout_problems(interpreter))
    if problems:
        raise FlowlockError(f"{interpreter.executable} cannot be packaged", problems=problems)
    if not _has_debian_layout(interpreter):
        return interpreter
    return replace(interpreter, edits=_debian_edits(interpreter))


def problems(python: Path | None = None) -> list[Problem]:
    """Return why an interpreter (by default ours) cannot be packaged; nothing if it can."""
    try:
        find(python)
    except FlowlockError as error:
        return list(error.problems)
    return []


def _inspect(python: Path | None, kept: Path | None) -> Interpreter:
    """Inspect an executable, and if it is in a virtual environment, the one that this was made of."""
    ours = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = _probe(python or (ours if ours.is_file() else Path(sys.executable)), kept)
    base = interpreter.prefix / "bin" / f"python{interpreter.series}"
    if base.is_file() and base != interpreter.executable:
        return _probe(base, kept)
    return interpreter


def _probe(executable: Path, kept: Path | None) -> Interpreter:
    """Return what an executable says of itself, or said before on this system as the same file."""
    state = _state(executable)
    kept_answer = memo.read(kept, _CachedAnswer) if kept else None
    if kept_answer is None or kept_answer.state != state:
        kept_answer = _CachedAnswer(state=state, answer=_ask(executable))
        if kept:
            memo.write(kept, kept_answer.model_dump())
    answer = kept_answer.answer
    return Interpreter(executable=executable, **{**answer, "prefix": Path(answer["prefix"])})


class _CachedAnswer(BaseModel):
    """The description of the interpreter at a path, and everything that it depends on."""

    state: list[str]
    answer: dict[str, Any]


def _state(executable: Path) -> list[str]:
    """Return what decides the answer: the program, its configuration and the system that it runs on."""
    folder = executable.parent.parent / "lib"
    parts = [executable, *sorted(folder.glob("libpython*.so*")), *sorted(folder.glob("python3*/_sysconfig*"))]
    states = [f"{path} {signature(path.stat())}" for path in parts if path.exists()]
    return [_PROBE, " ".join(os.uname()), *states]


def _ask(executable: Path) -> dict[str, Any]:
    # An interpreter must not find its library through what is set for another.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = process.run([executable, "-I", "-S", "-c", _PROBE], env=environment)
        answer: dict[str, Any] = json.loads(done.stdout)
    except (FlowlockError, ValueError) as error:
        raise FlowlockError(
            f"{executable} is not a working Python: {error}",
            code="FL402",
            hint=_OTHERS,
            detail=error.detail if isinstance(error, FlowlockError) else None,
        ) from error
    return answer


def _kind_problems(python: Interpreter) -> Iterator[Problem]:
    environment = python.environment
    if environment["sys_platform"] != "linux":
        system = environment["platform_system"]
        yield Problem(
            code="FL401",
            message=f"interpreters can only be packaged on Linux, and this is {system}",
            hint="use the conda-forge profile on this machine",
        )
        return
    name = f"{environment['platform_python_implementation']} {python.version}"
    version = tuple(int(number) for number in python.series.split("."))
    if environment["implementation_name"] != "cpython" or version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield Problem(code="FL403", message=f"{name} is not CPython {oldest} or newer", hint=_OTHERS)
    elif python.variant:
        variant = " ".join(_VARIANTS.get(flag, f"`{flag}`") for flag in python.variant)
        yield Problem(code="FL403", message=f"{name} is a {variant} build", hint=_OTHERS)


def _layout_problems(python: Interpreter) -> Iterator[Problem]:
    standard = Path(python.paths["purelib"]) == python.stdlib / "site-packages"
    if Path(python.paths["stdlib"]) != python.stdlib or not (standard or _has_debian_layout(python)):
        yield Problem(
            code="FL404",
            message=f"{python.executable} uses the layout of its distribution (packages in "
            f"{python.paths['purelib']}), which does not work in another prefix",
            hint=_OTHERS,
        )
        return
    missing = [path for path in _needed(python) if not path.exists()]
    if missing:
        yield Problem(
            code="FL405",
            message=f"the Python {python.version} in {python.prefix} is incomplete: "
            f"{', '.join(map(str, missing))} is missing",
            hint=f"install the complete Python, or {_OTHERS}",
        )


def _has_debian_layout(python: Interpreter) -> bool:
    return Path(python.paths["purelib"]).name == debian.LAYOUT


def _debian_edits(python: Interpreter) -> tuple[debian.InterpreterEdit, ...]:
    try:
        return debian.find_edits(python.prefix, python.series, frozen_site=python.frozen_site)
    except debian.UnknownPatchError as error:
        raise unknown_patch(python, error) from error


def unknown_patch(python: Interpreter, reason: debian.UnknownPatchError) -> FlowlockError:
    """Return the error about a distribution's interpreter that the edits for Debian's are not for."""
    return FlowlockError(
        f"{python.executable} uses the layout of its distribution "
        f"in a form that cannot be packaged: {reason}",
        code="FL404",
        hint=_OTHERS,
    )


def _needed(python: Interpreter) -> Iterator[Path]:
    """Yield what every package needs; headers and `ensurepip`, say, are separate packages in Debian."""
    yield python.prefix / "bin" / f"python{python.series}"
    yield python.stdlib / "os.py"
    yield python.stdlib / "lib-dynload"
    if python.shared and ".so" in python.shared:
        yield python.prefix / "lib" / python.shared
