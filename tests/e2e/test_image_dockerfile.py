"""The generated Dockerfile gives the tree of `flowlock image build`, and the same settings.

Docker and pixi are not run here: its RUN lines run under bubblewrap, where `pixi install` is the install of a
lock by rattler, the library that pixi is made of.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from checkout import Checkout
from flowlock.image.installed import PREFIX
from flowlock.image.layout import Layout, read
from images import documents, entries_of
from shared import require_part

COMMAND = "flowlock-penguins-workflow"
PIXI = """
import sys
from pathlib import Path
from flowlock.commands.session import Profile, Session
from flowlock.conda import platforms
from flowlock.report.reporter import Silent
from flowlock.running.environment import install_into
from flowlock.workspace import load
assert sys.argv[1:] == ["install", "--locked", "--environment", "default"], sys.argv
session = Session(workspace=load(Path("{root}")), profile=Profile.EMBEDDED, offline=True, progress=Silent())
prefix = Path(".pixi/envs/default").resolve()
places = session.environments(Profile.EMBEDDED, "penguins", "default")
install_into(
    prefix, Path("pixi.lock"), "default", platforms.current(), prefix=prefix, places=places, progress=Silent()
)
"""
# A file's kind, its content or where it leads, and whether it is a program.
Content = tuple[str, bytes, bool]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return each instruction of a Dockerfile and its arguments, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", dockerfile)
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def installed(steps: list[tuple[str, str]], checkout: Checkout, folder: Path) -> Path:
    """Run the RUN lines of the first stage in its WORKDIR, which is a folder of ours in the sandbox."""
    root, programs = folder / "opt", folder / "bin"
    work = root / "workflow"
    work.mkdir(parents=True)
    programs.mkdir()
    script = programs / "pixi.py"
    script.write_text(PIXI.format(root=checkout.root))
    # By a shell: the path of an interpreter behind `#!` cannot have a space.
    command = shlex.join([sys.executable, str(script)])
    (programs / "pixi").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    (programs / "pixi").chmod(0o755)
    shutil.copy2(checkout.state.workflow_lock("penguins"), work / "pixi.lock")
    shutil.copy2(checkout.root / "examples/penguins" / COMMAND / "pixi.toml", work)
    first = [rest for name, rest in steps[: steps.index(("WORKDIR", "/data"))] if name == "RUN"]
    assert first[0] == "pixi install --locked --environment default"
    for line in first:
        mounts = ["--dev-bind", "/", "/", "--bind", str(root), "/opt", "--bind", str(folder), "/srv"]
        variables = ["--setenv", "PATH", f"{programs}:{os.environ['PATH']}"]
        shell = ["sh", "-c", line.replace("mkdir /data", "mkdir /srv/data")]
        subprocess.run(["bwrap", *mounts, *variables, "--chdir", "/opt/workflow", *shell], check=True)
    assert (folder / "data").is_dir()
    return work / ".pixi/envs/default"


def tree(prefix: Path) -> Iterator[tuple[str, Content]]:
    for path in prefix.rglob("*"):
        name = path.relative_to(prefix).as_posix()
        if path.is_symlink():
            yield name, ("link", os.fsencode(path.readlink()), False)
        elif path.is_file():
            yield name, ("file", path.read_bytes(), bool(path.stat().st_mode & 0o111))


def packed(layout: Layout) -> Iterator[tuple[str, Content]]:
    for _, entry, content in entries_of(layout):
        name = entry.name.removeprefix(f"{PREFIX}/")
        if name != entry.name and not entry.isdir():
            yield (
                name,
                ("link" if entry.issym() else "file", content, entry.isfile() and entry.mode & 0o111 > 0),
            )


def test_the_dockerfile_gives_the_tree_and_the_settings_of_the_image(
    image_checkout: Checkout, tmp_path: Path
) -> None:
    require_part(found=shutil.which("bwrap") is not None, part="bwrap")
    steps = instructions((image_checkout.root / "examples/penguins" / COMMAND / "Dockerfile").read_text())
    layout = read(image_checkout.state.image("penguins"))
    _, config = documents(layout)
    last = dict(steps[steps.index(("WORKDIR", "/data")) - 5 :])
    settings = config["config"]
    assert "ENTRYPOINT" not in last
    assert shlex.split(last["CMD"].strip("[]").replace(",", " ")) == settings["Cmd"]
    assert sorted(shlex.split(last["ENV"])) == sorted(settings["Env"])
    assert (last["USER"], last["WORKDIR"]) == (settings["User"], settings["WorkingDir"])
    ours = dict(packed(layout))
    theirs = dict(tree(installed(steps, image_checkout, tmp_path)))
    # What an installer notes of an install is its own; bytecode tells where it was compiled.
    every = ours.keys() | theirs.keys()
    noted = {name for name in every if name.startswith("conda-meta/")} | {"CACHEDIR.TAG"}
    compiled = {name for name in every if name.endswith(".pyc")}
    assert len(ours.keys() - noted - compiled) > 5000
    assert ours.keys() - noted == theirs.keys() - noted
    assert [name for name in ours.keys() - noted - compiled if ours[name] != theirs[name]] == []
    records = {name for name in noted if name.endswith(".json")}
    assert {name for name in records if name in ours} == {name for name in records if name in theirs}
    assert {theirs[name][1][4:8] for name in compiled} == {ours[name][1][4:8] for name in compiled}
