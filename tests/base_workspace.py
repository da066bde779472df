"""A workspace with an embedded base channel for the whole session, and what is installed from it."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import rattler

from flowlock import workspace
from flowlock.base import channel as base
from flowlock.base.interpreter import find
from flowlock.report.reporter import Silent
from flowlock.workspace import Workspace
from shared import once
from wheelhouse import make_wheel

REQUIREMENTS = ("click", "markupsafe", "pip", "app[more]==1.0")
SPECS = ("python", "click", "markupsafe", "pip", "app")
TOML = """\
[workspace]
name = "test"
version = "0.1.0"
epoch = 2026-01-01T00:00:00Z

[channels]
release = "https://example.org/release"

[build]
backend = "hatchling ==1.30.1"
installer = "uv ==0.11.21"

[names]
some-Helper = "some_helper"
"""
# Checked by the environment's own interpreter: every row of every RECORD.
CHECK_RECORDS = """\
import base64, hashlib, importlib.metadata as m
for dist in m.distributions():
    for file in dist.files:
        data = file.locate().read_bytes()
        if file.hash:
            found = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest()).decode().rstrip("=")
            assert (found, len(data)) == (file.hash.value, file.size), file
    print(dist.name)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseWorkspace:
    """A workspace with a base channel of its own, and a folder of wheels beside the index."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        return workspace.load(self.root)

    @property
    def channel(self) -> Path:
        return self.workspace.state.base_channel(find().tag)

    def make(
        self, *requirements: str, python: Path | None = None, offline: bool = False, **variables: str
    ) -> base.BaseResult:
        wheels = self.root / "wheels"
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"UV_FIND_LINKS": str(wheels), **variables}.items():
                patch.setenv(name, value)
            return base.make(
                self.workspace,
                requirements or REQUIREMENTS,
                python=python,
                offline=offline,
                progress=Silent(),
            )

    def archives(self) -> dict[str, str]:
        """Return the digest of each archive."""
        return {path.name: sha256(path.read_bytes()).hexdigest() for path in self.channel.rglob("*.conda")}

    def contents(self) -> set[str]:
        """Return every file's path, but for the two that are kept for speed and order alone."""
        files = {path.relative_to(self.channel).as_posix() for path in self.channel.rglob("*")}
        return files - {".lock", "digests.json"}


def new_base_workspace(root: Path) -> BaseWorkspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / "flowlock.toml").write_text(TOML)
    make_wheel(
        root / "wheels",
        "app",
        "1.0",
        requires=["click>=8,!=8.0.*", "some.helper~=2.1; extra == 'more'", "absent; sys_platform == 'win32'"],
        files={
            "app-1.0.data/scripts/app-script": "#!python\nimport sys\nprint(sys.prefix)\n",
            "app-1.0.data/data/share/app/data.txt": "data",
        },
        entry_points="[console_scripts]\napp = app:main\n",
    )
    make_wheel(root / "wheels", "some-helper", "2.2.post1")
    return BaseWorkspace(root=root)


@pytest.fixture(scope="session")
def made_base(tmp_path_factory: pytest.TempPathFactory) -> BaseWorkspace:
    """A base channel that tests must not change."""

    def make(folder: Path) -> None:
        new_base_workspace(folder / "a wörkspace").make()

    return BaseWorkspace(root=once(tmp_path_factory, "base", make) / "a wörkspace")


@pytest.fixture
def base_workspace(made_base: BaseWorkspace, tmp_path: Path) -> BaseWorkspace:
    """A copy of it that a test may break."""
    shutil.copytree(made_base.root, tmp_path / "cöpy", copy_function=shutil.copy2)
    return BaseWorkspace(root=tmp_path / "cöpy")


def install(channels: Sequence[Path], specs: Sequence[str], prefix: Path) -> list[str]:
    """Solve on channels that are folders and install, as any py-rattler user; return the records' names."""

    async def go() -> list[str]:
        scratch = prefix.parent / f"{prefix.name} cache"
        records = await rattler.solve(
            [channel.as_uri() for channel in channels],
            list(specs),
            gateway=rattler.Gateway(cache_dir=scratch / "gateway"),
            platforms=["linux-64", "noarch"],
            virtual_packages=rattler.VirtualPackage.detect(),
        )
        await rattler.install(records, prefix, cache_dir=scratch / "packages", show_progress=False)
        return sorted(record.name.normalized for record in records)

    return asyncio.run(go())


@pytest.fixture(scope="session")
def environment(made_base: BaseWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment installed from the channel, at a path with a space and other letters."""

    def make(folder: Path) -> None:
        install([made_base.channel], SPECS, folder / "an énvironment")

    return once(tmp_path_factory, "base environment", make) / "an énvironment"


def run(*command: str | Path) -> str:
    """Run a program with an empty environment, elsewhere."""
    done = subprocess.run(
        list(map(str, command)),
        env={},
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_libraries(prefix: Path) -> set[str]:
    compiled = [*prefix.glob("bin/python3.??"), *prefix.glob("lib/python3*/lib-dynload/*.so")]
    listing = run("ldd", *compiled)
    assert "libpython" in listing or not list(prefix.glob("lib/libpython3.*.so*"))
    return {line.split("=> ")[1].rsplit(" (", 1)[0] for line in listing.splitlines() if "=> /" in line}


SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/usr/local/lib/")


def assert_it_stands_alone(prefix: Path) -> None:
    """An interpreter runs in its prefix, with nothing of where it was built."""
    code = """\
import ctypes, hashlib, lzma, site, sqlite3, ssl, sys, sysconfig, venv, zlib
ssl.create_default_context(); sqlite3.connect(':memory:'); ctypes.CDLL(None)
paths = [sys.prefix, sysconfig.get_path('purelib'), site.getsitepackages()[0]]
print(*paths, sysconfig.get_config_var('BINDIR'), sep='\\n')
print(sysconfig.get_default_scheme(), sysconfig.get_config_var('LIBDIR'), sep='\\n')
"""
    *paths, scheme, libraries = run(prefix / "bin/python", "-c", code).splitlines()
    site = next(prefix.glob("lib/python3.*")) / "site-packages"
    assert [Path(path) for path in paths] == [prefix, site, site, prefix / "bin"]
    assert scheme == "posix_prefix"
    # Debian's program has its library in a folder of the system.
    assert libraries.startswith((f"{prefix}/", *SYSTEM))
    strange = {name for name in loaded_libraries(prefix) if not name.startswith((f"{prefix}/", *SYSTEM))}
    assert not strange
    if any(prefix.glob("lib/python3.*/ensurepip")):
        run(prefix / "bin/python", "-m", "ensurepip", "--version")
