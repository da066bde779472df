"""Archives that are damaged themselves, or of which a file of the metadata is: .conda and wheels."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from archive_faults import conda, conda_with_fault, wheel_with_fault, zipped
from flowlock.base.wheel import installed_files
from flowlock.base.wheel import read as read_wheel
from flowlock.conda import archive
from flowlock.conda.installable import refuse_unsafe
from flowlock.release.targets import artifact
from kind import Kind, Place, Problems, each
from mutations import Syntax
from wheelhouse import make_wheel

PATHS = {"paths": [{"_path": "a", "size_in_bytes": 10, "path_type": "hardlink", "sha256": "0" * 64}]}
INDEX = {
    "name": "x",
    "version": "1",
    "build": "h0_0",
    "build_number": 0,
    "subdir": "noarch",
    "noarch": "python",
    "depends": ["python >=3.11", "a"],
    "timestamp": 1578324546000,
}
LINK = {"noarch": {"type": "python", "entry_points": ["x = x.main:main"]}}


def conda_archives(_folder: Path) -> Iterator[Kind]:
    """Archives of one file, damaged in bytes, in how they are packed, or in a document of `info/`."""
    documents = {"index": INDEX, "paths": PATHS, "link": LINK}
    sound = {name: json.dumps(content, indent=1).encode() for name, content in documents.items()}
    whole = partial(Kind, name=".conda", read=_read_conda, file="x-1-h0_0.conda", place=Place.MEMBER)
    yield whole(seeds=[conda(sound)])
    yield whole(seeds=[conda(sound)], faults=partial(conda_with_fault, sound))
    for name, data in sound.items():
        yield whole(seeds=[data], syntax=Syntax.JSON, pack=partial(_with_document, sound, name))
        yield whole(seeds=[conda(sound)], faults=partial(conda_with_fault, sound))


def _read_conda(path: Path) -> Problems:
    return each(
        [
            lambda: archive.read(path),
            lambda: archive.read_index(path),
            lambda: archive.check_size(path),
            lambda: refuse_unsafe(path),
            lambda: artifact.read(path),
        ]
    )


def _with_document(sound: Mapping[str, bytes], name: str, data: bytes) -> bytes:
    return conda({**sound, name: data})


WHEEL_FILES = {
    "x/__init__.py": "",
    "x-1.data/scripts/run": "#!python\n",
    "x-1.data/data/share/x": "data",
}
COMMANDS = "[console_scripts]\nhello = x:main\nbye = x:main.run [extra]\n"
HEADERS = ("Requires-Python: >=3.11", "License: MIT", "Summary: x", "Project-URL: Homepage, https://x.org")


def wheels(folder: Path) -> Iterator[Kind]:
    """Wheels, damaged in bytes, in how they are packed, or in a file of `.dist-info`."""
    path = make_wheel(
        folder / "sound",
        "x",
        "1",
        requires=["a>=1; python_version > '3'", "b[c]"],
        headers=HEADERS,
        files=WHEEL_FILES,
        entry_points=COMMANDS,
    )
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    whole = partial(Kind, name="wheel", read=_read_wheel, file=path.name, place=Place.MEMBER)
    yield whole(seeds=[path.read_bytes()])
    for name in [name for name in members if "dist-info" in name]:
        yield whole(seeds=[members[name]], pack=partial(_with_member, members, name))
        yield whole(seeds=[path.read_bytes()], faults=partial(wheel_with_fault, members))


def _read_wheel(path: Path) -> Problems:
    found = read_wheel(path)
    list(installed_files(found, "3.12"))
    return []


def _with_member(members: Mapping[str, bytes], name: str, data: bytes) -> bytes:
    return zipped(list({**members, name: data}.items()))
