"""GitHub Actions on this machine: the steps of a job in order, `run` by the shell, in a clean checkout."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from servers.expressions import as_text, evaluate, fill
from shared import ROOT

DEFAULT_BRANCH = "refs/heads/main"


@dataclass(frozen=True, kw_only=True)
class Event:
    """What started a run: a push of a branch or tag, or somebody by hand with inputs."""

    name: str = "push"
    ref: str = DEFAULT_BRANCH
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One job that succeeded: its outputs, what its steps printed, and the commands that were run."""

    outputs: Mapping[str, str]
    log: str
    ran: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs jobs of one event: `remote` is checked out, `prepare` gives a checkout what could be made again.

    A job that may write contents has `token`, any other one a token that is worth nothing here; `identity`
    are the variables of jobs that may ask for a token of their identity.
    """

    remote: Path
    folder: Path
    event: Event
    environ: Mapping[str, str]
    prepare: Callable[[Path], None]
    token: str
    identity: Mapping[str, str]
    needs: dict[str, Any] = field(default_factory=dict)

    def matrix(self, document: Mapping[str, Any], job: str) -> list[dict[str, Any]]:
        """Return the combinations that a job is run for."""
        asked = document["jobs"][job].get("strategy", {}).get("matrix", {})
        axes = {
            name: fill(values, self._scope({})) if isinstance(values, str) else values
            for name, values in asked.items()
        }
        return [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]

    def run(self, document: Mapping[str, Any], job: str, matrix: Mapping[str, Any] | None = None) -> Outcome:
        """Run a job in a folder of its own; its outputs are there for the jobs that need it."""
        asked = document["jobs"][job]
        missing = {asked["needs"]} - self.needs.keys() if "needs" in asked else set()
        assert not missing, f"{job} needs {missing}"
        permissions = asked.get("permissions", document["permissions"])
        made = _Job(
            runner=self,
            folder=self.folder / f"jöb {job} {len(list(self.folder.iterdir()))}",
            identity=self.identity if permissions.get("id-token") == "write" else {},
            scope=self._scope(matrix or {}, may_write=permissions.get("contents") == "write"),
            variables={**document.get("env", {}), **asked.get("env", {})},
        )
        for step in asked["steps"]:
            made.step(step)
        outputs = {name: fill(text, made.scope) for name, text in asked.get("outputs", {}).items()}
        self.needs[job] = {"outputs": outputs}
        return Outcome(outputs=outputs, log="".join(made.log), ran=tuple(made.ran))

    def _scope(self, matrix: Mapping[str, Any], *, may_write: bool = False) -> dict[str, Any]:
        github = {
            "event_name": self.event.name,
            "ref": self.event.ref,
            "ref_name": self.event.ref.split("/", 2)[2],
            "token": self.token if may_write else "a-token-that-may-only-read",
        }
        return {
            "github": github,
            "inputs": self.event.inputs,
            "matrix": matrix,
            "needs": self.needs,
            "steps": {},
        }


def read(path: Path) -> dict[str, Any]:
    """Return a workflow file."""
    return dict(yaml.safe_load(path.read_text()))


@dataclass(frozen=True, kw_only=True)
class _Job:
    runner: Runner
    folder: Path
    identity: Mapping[str, str]
    scope: dict[str, Any]
    variables: Mapping[str, str]
    log: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def step(self, step: Mapping[str, Any]) -> None:
        if "if" in step and not evaluate(step["if"], self.scope):
            return
        if "run" in step:
            self._shell(step)
            return
        given = {name: fill(str(value), self.scope) for name, value in step.get("with", {}).items()}
        ACTIONS[step["uses"].partition("@")[0]](self, given)

    def _shell(self, step: Mapping[str, Any]) -> None:
        """Run a step's script as a runner does without `shell`: by `bash -e`."""
        variables = {**self.variables, **step.get("env", {})}
        output = self.folder.with_name(f"{self.folder.name}.output")
        output.write_text("")
        done = subprocess.run(
            ["bash", "-e", "-c", fill(step["run"], self.scope)],
            cwd=self.folder,
            env={
                **self.runner.environ,
                **self.identity,
                **{name: as_text(fill(str(text), self.scope)) for name, text in variables.items()},
                "GITHUB_OUTPUT": str(output),
            },
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.log.append(done.stdout)
        self.ran.append(step["run"])
        assert done.returncode == 0, f"{step['run']}\n{done.stdout}"
        self.scope["steps"][step.get("id", "")] = {"outputs": dict(_outputs(output.read_text()))}

    def checkout(self, given: Mapping[str, str]) -> None:
        """Fetch what the action fetches: one commit, or with `fetch-depth: 0` all branches and tags."""
        ref = given.get("ref") or self.runner.event.ref
        local = ref.replace("refs/heads/", "refs/remotes/origin/")
        everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
        fetch = everything if given.get("fetch-depth") == "0" else ["--depth=1", f"+{ref}:{local}"]
        self.folder.mkdir()
        for command in (
            ["init", "-q", "-b", "nothing"],
            ["remote", "add", "origin", str(self.runner.remote)],
            ["fetch", "-q", "--no-tags", "origin", *fetch],
            ["checkout", "-q", "--detach", local],
        ):
            subprocess.run(["git", *command], cwd=self.folder, check=True)
        self.runner.prepare(self.folder)

    def upload(self, given: Mapping[str, str]) -> None:
        """Keep files as the action does: without hidden ones, modes and links."""
        source, kept = self.folder / given["path"], self.runner.folder.parent / "artifacts" / given["name"]
        shutil.rmtree(kept, ignore_errors=True)
        if source.is_dir():
            hidden = shutil.ignore_patterns(".*")
            shutil.copytree(source, kept, copy_function=shutil.copyfile, ignore=hidden)
        else:
            kept.mkdir(parents=True)
            shutil.copyfile(source, kept / source.name)

    def download(self, given: Mapping[str, str]) -> None:
        kept = self.runner.folder.parent / "artifacts" / given["name"]
        shutil.copytree(kept, self.folder / given.get("path", "."), dirs_exist_ok=True)

    def set_up(self, _given: Mapping[str, str]) -> None:
        """Do nothing: what these actions install is on the PATH."""


ACTIONS: dict[str, Callable[[_Job, Mapping[str, str]], None]] = {
    "actions/checkout": _Job.checkout,
    "actions/download-artifact": _Job.download,
    "actions/setup-python": _Job.set_up,
    "actions/upload-artifact": _Job.upload,
    "prefix-dev/setup-pixi": _Job.set_up,
}


def _outputs(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a step wrote into $GITHUB_OUTPUT: `name=value` lines, and `name<<END` up to END."""
    for found in re.finditer(r"^(\w+)(?:=([^\n]*)|<<(\w+)\n(.*?)^\3)$", text, re.MULTILINE | re.DOTALL):
        yield found[1], found[2] if found[3] is None else found[4].rstrip("\n")


def programs(folder: Path) -> str:
    """Return a PATH with this interpreter's programs and a stand-in for pixi, which is not to be had here."""
    pixi = folder / "pixi"
    folder.mkdir()
    pixi.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/servers/pixi.py" "$@"\n')
    pixi.chmod(0o755)
    return os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
