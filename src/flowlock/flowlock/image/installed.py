"""What an installed package puts into an image: its files, their bytecode, its record."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock.conda.bytecode import cached_path, is_of_tests, unchecked
from flowlock.conda.records import Record
from flowlock.edges import files, memo
from flowlock.errors import FlowlockError
from flowlock.image.layers import FILE, LINK, PROGRAM, TarEntry

# Where an environment is in an image; the generated Dockerfile has it in the same folder.
PREFIX = "opt/workflow/.pixi/envs/default"
BYTECODE = "__pycache__"
# Of the installer's record: where the package was on this machine, and who asked for it.
_OF_THIS_MACHINE = ("extracted_package_dir", "link", "package_tarball_full_path")
_OF_THIS_INSTALL = ("requested_spec", "requested_specs", "url")


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledPackage:
    """A package of an environment that was installed for an image: its pin, and the installer's record."""

    record: Record
    document: Mapping[str, Any]

    @property
    def facts(self) -> list[Any]:
        """What its files follow from."""
        return [self.record.url, self.record.sha256, self.document["paths_data"]]

    @property
    def paths(self) -> list[str]:
        """The paths of its files in the environment."""
        return [str(path["_path"]) for path in self.document["paths_data"]["paths"]]


def read(prefix: Path, records: Iterable[Record]) -> list[InstalledPackage]:
    """Return the packages of an environment; one without its record is an error."""
    return [InstalledPackage(record=record, document=_document(prefix, record)) for record in records]


def _document(prefix: Path, record: Record) -> Mapping[str, Any]:
    stem = record.file_name.removesuffix(".conda").removesuffix(".tar.bz2")
    document = memo.read_plain(prefix / "conda-meta" / f"{stem}.json", dict[str, Any])
    if document is None or "paths" not in document.get("paths_data", {}):
        raise FlowlockError(
            f"the installed environment has no record of {record.file_name}",
            code="FL904",
            hint="run the same command again; if the problem persists, report the name of the package",
        )
    return document


def entries(
    package: InstalledPackage, prefix: Path, tags: Collection[str], *, bytecode: bool
) -> Iterator[TarEntry]:
    """Yield the entries of a package: its files, and their bytecode for Pythons of these tags.

    Bytecode is used without a look at its source: all files of an image have one time, and none is edited.
    """
    for path in package.paths:
        if BYTECODE not in path:
            yield _entry(prefix, path)
    for path in _compiled(package.paths, prefix, tags) if bytecode else ():
        yield TarEntry(path=f"{PREFIX}/{path}", source=unchecked(files.read_bytes(prefix / path)))
    yield _record_entry(package)


def _compiled(paths: Sequence[str], prefix: Path, tags: Collection[str]) -> list[str]:
    """Return the bytecode that a package brings, and that of its modules which was made here.

    None of its tests has it, unless someone imported them: an image does not depend on that.
    """
    compiled = {path for path in paths if BYTECODE in path}
    for path in paths:
        if path.endswith(".py") and not is_of_tests(path):
            compiled.update(cached_path(path, tag) for tag in tags)
    return sorted(path for path in compiled if (prefix / path).is_file())


def _entry(prefix: Path, path: str) -> TarEntry:
    source = prefix / path
    name = f"{PREFIX}/{path}"
    if source.is_symlink():
        return TarEntry(path=name, link=str(source.readlink()), mode=LINK)
    mode = PROGRAM if source.stat().st_mode & 0o111 else FILE
    return TarEntry(path=name, source=source, mode=mode)


def _record_entry(package: InstalledPackage) -> TarEntry:
    """Return the record of a package as an installer leaves it, with the address that the lock pins."""
    left_out = (*_OF_THIS_MACHINE, *_OF_THIS_INSTALL)
    document = {name: value for name, value in package.document.items() if name not in left_out}
    document["url"] = package.record.url
    stem = f"{document['name']}-{document['version']}-{document['build']}"
    data = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return TarEntry(path=f"{PREFIX}/conda-meta/{stem}.json", source=data)


def python_tags(prefix: Path) -> list[str]:
    """Return the tags in the names of bytecode for the Pythons of an environment: cpython-311."""
    folders = sorted((prefix / "lib").glob("python3.*"))
    return [f"cpython-{folder.name.removeprefix('python').replace('.', '')}" for folder in folders]
