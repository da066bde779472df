"""A conda package as a file to be published: what it is called, its digest, what it depends on."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from flowlock.conda import archive
from flowlock.conda.artifact import SUFFIX, Artifact
from flowlock.conda.members import INDEX
from flowlock.edges import files
from flowlock.errors import FlowlockError, Location
from flowlock.names import PackageName, Sha256


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A file to publish. `artifact` is None for files that are not packages (digests, the ledger).

    `depends` are names of packages; `replaceable` says that a target which is not public yet may take other
    bytes under the same name.
    """

    path: Path
    file: str
    sha256: Sha256
    size: int
    artifact: Artifact | None = None
    depends: frozenset[str] = frozenset()
    replaceable: bool = False

    @property
    def place(self) -> str:
        """The path in a channel: `subdir/file`, or the file alone for files that are not packages."""
        return f"{self.artifact.subdir}/{self.file}" if self.artifact else self.file


def read(path: Path) -> Item:
    """Return the item that a `.conda` file is; one that is another package is an error that names it."""
    index = archive.read_index(path)
    try:
        artifact = Artifact(
            name=PackageName(index["name"]),
            version=str(index["version"]),
            build=str(index["build"]),
            number=int(index["build_number"]),
            subdir=str(index["subdir"]),
        )
        depends = frozenset(str(spec).split(" ")[0] for spec in index.get("depends", ()))
    except (KeyError, ValueError, TypeError) as error:
        raise FlowlockError(
            f"{path.name} is not a conda package: {error}",
            code="FL820",
            location=Location(file=f"{path.name}/{INDEX}"),
            hint="build it again, or remove the file from the folder",
        ) from error
    if path.name != artifact.file:
        raise FlowlockError(
            f"{path.name} is {artifact.file} according to its metadata",
            code="FL820",
            location=Location(file=f"{path.name}/{INDEX}"),
            hint="restore the original file name",
        )
    sha256 = files.sha256_of(path)
    return Item(
        path=path,
        file=path.name,
        sha256=sha256,
        size=path.stat().st_size,
        artifact=replace(artifact, sha256=sha256),
        depends=depends,
    )


def plain(path: Path, *, replaceable: bool = False) -> Item:
    """Return the item of a file that is not a package."""
    return Item(
        path=path,
        file=path.name,
        sha256=files.sha256_of(path),
        size=path.stat().st_size,
        replaceable=replaceable,
    )


def find(folder: Path, *, without: Collection[str] = ()) -> list[Path]:
    """Return the packages below a folder, one path for each file name, sorted by name.

    `without` are names of packages that are not wanted. Two files of one name must have the same bytes (a
    channel and a folder of artifacts beside it).
    """
    if not folder.is_dir():
        raise FlowlockError(f"folder {folder} does not exist", code="FL012", hint="check --from")
    paths: dict[str, Path] = {}
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        # A package's file is named NAME-VERSION-BUILD, and only the name may have a `-`: `read` checks that.
        if path.name.rsplit("-", 2)[0] in without:
            continue
        other = paths.setdefault(path.name, path)
        if other != path and files.sha256_of(other) != files.sha256_of(path):
            raise FlowlockError(
                f"{path.name} exists twice with different bytes: {other} and {path}", code="FL821"
            )
    return [paths[name] for name in sorted(paths)]


class FileBody:
    """A file's bytes, read again in blocks for each attempt, never whole in memory."""

    def __init__(self, path: Path, size: int, *, block: int = 1 << 18) -> None:
        self._path, self._size, self._block = path, size, block

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as stream:
            while block := stream.read(self._block):
                yield block
