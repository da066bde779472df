"""The base of images without a base image: the libraries of this machine that an environment loads."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowlock.edges import files, process
from flowlock.errors import FlowlockError
from flowlock.image.layers import FOLDER, LINK, PROGRAM, SHARED_FOLDER, TarEntry

USER = 1000
DATA = "data"
MAGIC = b"\x7fELF"
LIBC = "libc.so.6"
# glibc loads these by name when it looks up hosts and users, and converts texts; no file names them.
LOADED_BY_NAME = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2")
_LOADED = re.compile(r"^\s+(?:\S+ => )?(/.*) \(0x[0-9a-f]+\)$", re.MULTILINE)
_RELEASE = re.compile(rb"GNU C Library [^\n]*release version (\d+\.\d+)")
_MERGED = ("bin", "lib", "lib64", "sbin")
_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/:/sbin/nologin\nflowlock:x:1000:1000::/data:/sbin/nologin\n",
    "etc/group": "root:x:0:\nflowlock:x:1000:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HostLibraries:
    """Libraries of this machine, by their paths in an image."""

    by_path: Mapping[str, Path]

    @property
    def digests(self) -> dict[str, str]:
        """The sha256 of each by its path in an image."""
        return {path: str(files.sha256_of(source)) for path, source in sorted(self.by_path.items())}

    @property
    def glibc(self) -> str:
        """The version of the C library among them."""
        for path, source in self.by_path.items():
            if path.endswith(f"/{LIBC}"):
                return glibc_release(files.read_bytes(source), LIBC)
        raise FlowlockError(
            "the environment loads no glibc of this machine",
            code="FL905",
            hint="name a base image with --base, or set [image] base in flowlock.toml",
        )

    def entries(self) -> Iterator[TarEntry]:
        """Yield the libraries, accounts, and the folders that a system has."""
        for path, source in self.by_path.items():
            yield TarEntry(path=path, source=source, mode=PROGRAM)
        for path, text in _ACCOUNTS.items():
            yield TarEntry(path=path, source=text.encode())
        tops = {path.partition("/")[0] for path in self.by_path}
        for folder in _MERGED:
            if folder not in tops:
                yield TarEntry(path=folder, link=f"usr/{folder}", mode=LINK)
                yield TarEntry(path=f"usr/{folder}", mode=FOLDER)
        for folder in ("dev", "proc", "sys"):
            yield TarEntry(path=folder, mode=FOLDER)


def mount_points() -> Iterator[TarEntry]:
    """Yield the folders that a run writes to: they are mounts where the root is read-only."""
    yield TarEntry(path=DATA, mode=FOLDER, owner=USER)
    yield TarEntry(path="tmp", mode=SHARED_FOLDER)


def host_libraries(prefix: Path) -> HostLibraries:
    """Return what the files of an environment load that is not in it, as the system's loader finds it."""
    # Nearly all files of an environment are modules: they need not be opened.
    others = [path for path in sorted(files.paths_below(prefix)) if not path.endswith((".py", ".pyc"))]
    compiled = [prefix / path for path in others if _is_compiled(prefix / path)]
    listing = process.run(["ldd", *compiled], check=False).stdout if compiled else ""
    loaded = {Path(path) for path in _LOADED.findall(listing)}
    outside = {path for path in loaded if not path.resolve().is_relative_to(prefix.resolve())}
    outside |= _beside_libc(outside)
    return HostLibraries(by_path={_in_image(path): path.resolve() for path in sorted(outside)})


def _beside_libc(libraries: Iterable[Path]) -> set[Path]:
    """Return those of the libraries that glibc loads by name."""
    folders = {path.parent for path in libraries if path.name == LIBC}
    candidates = {folder / name for folder in folders for name in LOADED_BY_NAME}
    return {path for path in candidates if path.is_file()}


def _is_compiled(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _in_image(path: Path) -> str:
    """Return a library's path without links above it: an image has only those of its top folders."""
    return str(path.parent.resolve() / path.name).lstrip("/")


def glibc_release(libc: bytes, where: str) -> str:
    """Return the version that a C library states; any other file is an error."""
    stated = _RELEASE.search(libc)
    if stated is None:
        raise FlowlockError(
            f"{where} is not glibc, which packages of conda need",
            code="FL905",
            hint="choose a base with glibc: Debian, Ubuntu, distroless or UBI; Alpine has another C library",
        )
    return stated[1].decode()


def require_glibc(release: str, floor: str, where: str) -> None:
    """Refuse a base whose C library is older than what the lock was solved for."""
    if _numbers(release) < _numbers(floor):
        raise FlowlockError(
            f"the lock was solved for glibc {floor} or newer, but {where} has {release}",
            code="FL906",
            hint="choose a newer base, or declare an older glibc in the manifest and lock again",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
