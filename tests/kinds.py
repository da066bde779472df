"""Every kind of file that flowlock reads: sound files, and what reads them in this process.

A reader is what the commands call. It returns problems, or raises FlowlockError or WorkflowError.
"""

import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import zstandard

from flowlock.base.wheel import installed_files
from flowlock.base.wheel import read as read_wheel
from flowlock.commands.compile import read_text
from flowlock.commands.init import init
from flowlock.commands.recipe import recipe_problems
from flowlock.compile.package import render
from flowlock.conda import archive
from flowlock.conda.installable import refuse_unsafe
from flowlock.conda.match import RattlerMatcher, compare_versions
from flowlock.edges import files, memo
from flowlock.edges.http import AnswerKind
from flowlock.edges.patience import Patience
from flowlock.errors import FlowlockError
from flowlock.lock.formats import require_readable
from flowlock.lock.lockfile import document, export
from flowlock.lock.lockfile.diff import as_markdown, changes, platforms_by_environment
from flowlock.lock.lockfile.forms import ExportKind
from flowlock.lock.manifest import pixi
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.lock.solver import sources
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.lock.state import read_state
from flowlock.release.targets import artifact, github_objects
from flowlock.release.targets import make as make_target
from flowlock.release.targets.client import Client, listed
from flowlock.release.targets.protocol import Context
from flowlock.report.renderings import errors
from flowlock.spec.rules.check import check_text
from flowlock.workspace import load
from flowlock_core.errors import WorkflowError
from flowlock_core.parameters.params import load_params
from flowlock_core.testing import load_cases
from mutations import Syntax
from servers import raw
from sound_files import CASES, FORGE, LOCK, LOCK_MANIFEST, MANIFEST, OBJECTS, PARAMS, REPODATA
from specs import FACTS, GOLDEN, catalog
from state_readers import CONTENTS, NAMES, PLAIN, READERS
from wheelhouse import make_wheel

Problems = Sequence[Any]
Reader = Callable[[Path], Problems]

TODAY = datetime(2026, 11, 1, tzinfo=UTC)
QUICK = Patience(tries=1, first_pause=0.001, longest_pause=0.002, longest_wait=0.1, connect=2.0, read=0.3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of file: sound ones, the syntax of their trees, and what reads one.

    `pack` makes a file of its document. Of a `text` file a refusal names file and line.
    """

    name: str
    seeds: Sequence[bytes]
    read: Reader
    file: str
    syntax: Syntax | None = None
    text: bool = True
    pack: Callable[[bytes], bytes] | None = None


def spec(_folder: Path) -> Iterator[Kind]:
    def read(path: Path) -> Problems:
        text, unreadable = read_text(path, path.name)
        if unreadable:
            return unreadable
        parsed, problems = check_text(text, path.name, catalog(), FACTS)
        if parsed is not None and not errors(problems):
            render(parsed, catalog(), FACTS, source=text)
        return problems

    sound = [path.read_bytes() for path in sorted(GOLDEN.glob("valid/*/spec.yaml"))]
    seeds = [data for data in sound if len(data) < 4000]
    yield Kind(name="spec", seeds=seeds, read=read, file="spec.yaml", syntax=Syntax.YAML)


WORKSPACE_FILES = {
    "flowlock.toml": ("flowlock.toml", Syntax.TOML),
    "recipe": ("recipes/space-tasks/recipe.yaml", Syntax.YAML),
    "pyproject": ("src/space-tasks/pyproject.toml", Syntax.TOML),
}


def workspace_file(name: str, folder: Path) -> Iterator[Kind]:
    """A file that is read together with the workspace that it lies in."""
    root = folder / "space"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    context = Context(root=root, tag="v1.0.0")

    def read(_path: Path) -> Problems:
        workspace = load(root)
        for target in workspace.targets:
            make_target(target, workspace.targets, context)
        return recipe_problems(workspace)

    file, syntax = WORKSPACE_FILES[name]
    yield Kind(name=name, seeds=[(root / file).read_bytes()], read=read, file=f"space/{file}", syntax=syntax)


def pixi_toml(_folder: Path) -> Iterator[Kind]:
    matcher = RattlerMatcher()

    def read(path: Path) -> Problems:
        manifest = pixi.read(files.read_text(path, path.name), path.name, label="demo", now=TODAY)
        target = LockTarget(manifest=manifest, path=path.with_name("absent.lock"), shown="absent.lock")
        read_state(target, matcher, {}, [], LockOptions())
        return []

    yield Kind(name="pixi.toml", seeds=[MANIFEST.encode()], read=read, file="pixi.toml", syntax=Syntax.TOML)


def pixi_lock(_folder: Path) -> Iterator[Kind]:
    matcher = RattlerMatcher()
    manifest = pixi.read(LOCK_MANIFEST, "pixi.toml", label="demo", now=TODAY)
    sound = document.read(LOCK, "pixi.lock")

    def read(path: Path) -> Problems:
        target = LockTarget(manifest=manifest, path=path, shown=path.name)
        read_state(target, matcher, {}, [], LockOptions())
        lock = document.read(files.read_text(path, path.name), path.name)
        as_markdown(changes(sound, lock, compare_versions), platforms_by_environment(sound, lock))
        for kind in (ExportKind.EXPLICIT, ExportKind.ENVIRONMENT):
            export.export(kind, lock, environment="default", platform="linux-64", name="demo")
        require_readable(lock.text(), path.name)
        return []

    yield Kind(name="pixi.lock", seeds=[LOCK.encode()], read=read, file="pixi.lock", syntax=Syntax.YAML)


def params(_folder: Path) -> Iterator[Kind]:
    def read(path: Path) -> Problems:
        read = load_params(str(path))
        if read.problems:
            raise WorkflowError("wrong parameters", problems=read.problems)
        return []

    yield Kind(name="params", seeds=[PARAMS.encode()], read=read, file="params.yaml", syntax=Syntax.YAML)


def cases(_folder: Path) -> Iterator[Kind]:
    def read(path: Path) -> Problems:
        load_cases(path)
        return []

    yield Kind(
        name="test cases", seeds=[CASES.encode()], read=read, file="test-cases.yaml", syntax=Syntax.YAML
    )


def repodata(_folder: Path) -> Iterator[Kind]:
    def read(path: Path) -> Problems:
        folder = path.parent.parent
        sources.snapshots([str(folder)], [f"{FORGE}/"])
        served = ChannelFolder(url="https://example.org/release", path=folder)
        list(sources.entries(served))
        return []

    yield Kind(
        name="repodata",
        seeds=[REPODATA.encode()],
        read=read,
        file="channel/noarch/repodata.json",
        syntax=Syntax.JSON,
        text=False,
    )


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


def _conda(metadata: Mapping[str, bytes]) -> bytes:
    """Return an archive of one file, with these documents in `info/`."""
    members = {f"info/{name}.json": content for name, content in metadata.items()}
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as opened:
        opened.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        opened.writestr("info-x-1-h0_0.tar.zst", _compressed(_tar(members)))
        opened.writestr("pkg-x-1-h0_0.tar.zst", _compressed(_tar({"a": b"0123456789"})))
    return stored.getvalue()


def _tar(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for path, data in members.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            opened.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _compressed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(data)


def _each(readers: Iterable[Callable[[], object]]) -> Problems:
    """Return the problems of every reader: the refusal of the first does not spare the others."""
    problems: list[Any] = []
    for reader in readers:
        try:
            reader()
        except FlowlockError as error:
            problems += error.problems
    return problems


def _read_conda(path: Path) -> Problems:
    return _each(
        [
            lambda: archive.read(path),
            lambda: archive.read_index(path),
            lambda: archive.check_size(path),
            lambda: refuse_unsafe(path),
            lambda: artifact.read(path),
        ]
    )


def conda(_folder: Path) -> Iterator[Kind]:
    """Archives that are damaged themselves, or of which a document in `info/` is."""
    documents = {"index": INDEX, "paths": PATHS, "link": LINK}
    sound = {name: json.dumps(content).encode() for name, content in documents.items()}
    file = "x-1-h0_0.conda"
    yield Kind(name=".conda", seeds=[_conda(sound)], read=_read_conda, file=file, text=False)
    for name, data in sound.items():
        yield Kind(
            name=".conda",
            seeds=[data],
            read=_read_conda,
            file=file,
            syntax=Syntax.JSON,
            text=False,
            pack=partial(_with_document, sound, name),
        )


def _with_document(sound: Mapping[str, bytes], name: str, data: bytes) -> bytes:
    return _conda({**sound, name: data})


WHEEL_FILES = {
    "x/__init__.py": "",
    "x-1.data/scripts/run": "#!python\n",
    "x-1.data/data/share/x": "data",
}
COMMANDS = "[console_scripts]\nhello = x:main\nbye = x:main.run [extra]\n"
HEADERS = ("Requires-Python: >=3.11", "License: MIT", "Summary: x", "Project-URL: Homepage, https://x.org")


def wheel(folder: Path) -> Iterator[Kind]:
    """Wheels that are damaged themselves, or of which a file in `.dist-info` is."""
    path = make_wheel(
        folder / "sound",
        "x",
        "1",
        requires=["a>=1; python_version > '3'", "b[c]"],
        headers=HEADERS,
        files=WHEEL_FILES,
        entry_points=COMMANDS,
    )

    def read(path: Path) -> Problems:
        found = read_wheel(path)
        list(installed_files(found, "3.12"))
        return []

    yield Kind(name="wheel", seeds=[path.read_bytes()], read=read, file=path.name, text=False)
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    for name in [name for name in members if "dist-info" in name]:
        yield Kind(
            name="wheel",
            seeds=[members[name]],
            read=read,
            file=path.name,
            text=False,
            pack=partial(_with_member, members, name),
        )


def _with_member(members: Mapping[str, bytes], name: str, data: bytes) -> bytes:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as opened:
        for path, content in {**members, name: data}.items():
            opened.writestr(path, content)
    return stored.getvalue()


def answers(_folder: Path) -> Iterator[Kind]:
    """Answers of servers, status line and headers included: an index, and objects of the GitHub API."""

    def read_index(client: Client, url: str) -> None:
        answer = client.accept(client.send("GET", url, kind=AnswerKind.INDEX), "to serve its index")
        listed(answer.body, url, "noarch", {"a", "b"}, server="the server")

    def read_object(kind: Any, client: Client, url: str) -> None:
        answer = client.accept(client.send("GET", url), "to answer")
        github_objects.read(kind, answer, "the server", "an object")

    readers = [(REPODATA, read_index)]
    readers += [(json.dumps(content), partial(read_object, kind)) for kind, content in OBJECTS]
    context = Context(root=Path(), tag="v1.0.0", patience=QUICK)
    for body, read in readers:
        data = body.encode()
        head = raw.reply(b"", Content_Type="application/json", Retry_After="1", X_RateLimit_Remaining="5")
        sound = head.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(data)) + data
        asked = partial(_asked, context, read)
        yield Kind(name="server answers", seeds=[sound], read=asked, file="answer", text=False)
        yield Kind(
            name="server answers",
            seeds=[data],
            read=asked,
            file="answer",
            syntax=Syntax.JSON,
            text=False,
            pack=raw.reply,
        )


def _asked(context: Context, read: Callable[[Client, str], None], path: Path) -> Problems:
    with raw.sending(lambda _: path.read_bytes()) as url:
        read(Client(context, "the server"), url)
    return []


def state(folder: Path) -> Iterator[Kind]:
    """What flowlock keeps for itself: damaged, it counts as absent, and nothing is refused."""
    for name, (read, _) in READERS.items():
        file = f"{name}/{NAMES.get(name, 'kept.json')}"
        seeds = [data for data in PLAIN if 2 < len(data) < 1000]
        for content in CONTENTS:
            memo.write(folder / "sound.json", content)
            seeds.append((folder / "sound.json").read_bytes())
        yield Kind(
            name="state files",
            seeds=[data for data in seeds if data.startswith(b"{")],
            read=partial(_kept, read),
            file=file,
            syntax=Syntax.JSON,
            text=False,
        )


def _kept(read: Callable[[Path], object], path: Path) -> Problems:
    read(path)
    return []


KINDS: Mapping[str, Callable[[Path], Iterable[Kind]]] = {
    "spec": spec,
    "flowlock.toml": partial(workspace_file, "flowlock.toml"),
    "recipe": partial(workspace_file, "recipe"),
    "pyproject": partial(workspace_file, "pyproject"),
    "pixi.toml": pixi_toml,
    "pixi.lock": pixi_lock,
    "params": params,
    "test cases": cases,
    "repodata": repodata,
    ".conda": conda,
    "wheel": wheel,
    "server answers": answers,
    "state files": state,
}
