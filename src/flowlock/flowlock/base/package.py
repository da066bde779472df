"""A wheel of a universe as a conda package: its name, its build string, its record, its archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Any

from flowlock.base.archive import LEVEL, Archive, build
from flowlock.base.bytecode import package_bytecode
from flowlock.base.convert import conda_version, version_spec
from flowlock.base.interpreter import Interpreter
from flowlock.base.wheel import Wheel, installed_files
from flowlock.edges.memo import digest_of
from flowlock.names import PackageName

# Raised when a change of the conversion makes other packages of the same wheels.
SCHEMA = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """What is made of a wheel: everything that its archive's bytes depend on.

    `python` is what packages are for that are not pure; they bring the bytecode of their modules.
    """

    wheel: Wheel
    sha256: str
    name: PackageName
    depends: Sequence[str]
    python: Interpreter
    epoch: datetime

    @property
    def path(self) -> str:
        """Return the archive's place in the channel; the build string in it is a digest of the inputs."""
        index = self._index()
        return f"{index['subdir']}/{index['name']}-{index['version']}-{index['build']}.conda"

    def archive(self) -> Archive:
        """Return the package."""
        metadata = self.wheel.metadata
        if self.wheel.pure:
            files = installed_files(self.wheel, self.python.series)
        else:
            bytecode = partial(package_bytecode, self.python)
            files = installed_files(self.wheel, self.python.series, bytecode=bytecode)
        return build(
            self._index(),
            files,
            about={"home": metadata.home, "license": metadata.license, "summary": metadata.summary},
            entry_points=[f"{name} = {function}" for name, function in self.wheel.entry_points.items()],
            epoch=self.epoch,
        )

    def _index(self) -> dict[str, Any]:
        pure, metadata = self.wheel.pure, self.wheel.metadata
        index: dict[str, Any] = {
            "arch": None,
            "build_number": 0,
            "depends": sorted([*self.depends, *self._python_depends()]),
            "license": metadata.license,
            "name": self.name,
            "platform": None,
            "subdir": "noarch" if pure else self.python.subdir,
            "timestamp": int(self.epoch.timestamp() * 1000),
            "version": conda_version(metadata.version),
        }
        if pure:
            index["noarch"] = "python"
        # The files of a pure wheel are the same for every Python; compilers of two versions differ.
        python = "" if pure else self.python.version
        inputs = [SCHEMA, LEVEL, version("zstandard"), self.sha256, python, index]
        digest = digest_of(inputs)[:8]
        prefix = "pyh" if pure else f"py{self.python.series.replace('.', '')}h"
        return {**index, "build": f"{prefix}{digest}_0"}

    def _python_depends(self) -> list[str]:
        if self.wheel.pure:
            return [f"python {version_spec(self.wheel.metadata.requires_python)}".rstrip()]
        series = self.python.series
        major, minor = map(int, series.split("."))
        return [f"python >={series},<{major}.{minor + 1}.0a0", f"python_abi {series}.* *_{self.python.tag}"]
