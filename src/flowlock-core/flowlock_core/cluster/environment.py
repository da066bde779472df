"""Whether a worker can execute the calls of a run: its code, its processes, and the folders that it sees."""

import multiprocessing
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from flowlock_core.errors import Problem
from flowlock_core.execute.plan import Plan
from flowlock_core.foreign import ForeignError, call_foreign
from flowlock_core.store.code import CodeParts, code_parts
from flowlock_core.store.digest import digest_of_parts

_OWN_CODE = "flowlock_core"
SAME_LOCK = "install the lock of the workflow where the worker runs, and start the worker from there"


class WorkerReport(NamedTuple):
    """What a worker says of itself: its code by top module, or why a module cannot be imported."""

    code: Mapping[str, CodeParts | str]
    starts_processes: bool = True
    unseen: tuple[str, ...] = ()


def modules_of(plan: Plan) -> tuple[str, ...]:
    """Return the top modules whose code the calls of a plan execute."""
    tasks = [task for step in plan.steps for task in (step.task, *step.conditions)]
    tops = {task.func.__module__.partition(".")[0] for task in tasks}
    # What is defined in the main module cannot be imported elsewhere: the call will tell.
    return tuple(sorted({_OWN_CODE, *tops} - {"__main__"}))


@cache
def code_of(modules: tuple[str, ...]) -> Mapping[str, CodeParts | str]:
    """Return the code of some top modules in this process."""
    return {module: _code_of_module(module) for module in modules}


@cache
def code_digest(modules: tuple[str, ...]) -> str:
    """Return the digest of the code of some top modules in this process."""
    return digest_of_parts("code", [repr(item) for item in code_of(modules).items()])


def report(modules: tuple[str, ...], markers: Sequence[Path] = ()) -> WorkerReport:
    """Say of this process which code it has, and which of some files it does not see."""
    unseen = tuple(str(marker) for marker in markers if not marker.is_file())
    return WorkerReport(code_of(modules), not multiprocessing.current_process().daemon, unseen)


def differences(worker: str, theirs: Mapping[str, CodeParts | str]) -> list[Problem]:
    """Return a problem for each module and package in which the code of a worker differs from ours."""
    ours = code_of(tuple(sorted(theirs)))
    messages: dict[str, None] = {}
    for module, code in theirs.items():
        messages |= dict.fromkeys(_differences_of(module, ours[module], code))
    return [
        Problem(code="FL764", message=f"the worker {worker} {message}", hint=SAME_LOCK)
        for message in messages
    ]


def _code_of_module(module: str) -> CodeParts | str:
    imported = call_foreign(partial(import_module, module))
    return imported.message if isinstance(imported, ForeignError) else code_parts(module)


def _differences_of(module: str, ours: CodeParts | str, theirs: CodeParts | str) -> Iterator[str]:
    if isinstance(theirs, str):
        yield f"cannot import {module}: {theirs}"
        return
    if isinstance(ours, str) or ours == theirs:
        return
    versions = _by_name(ours.versions)
    their_versions = _by_name(theirs.versions)
    for name in sorted(versions.keys() | their_versions.keys()):
        version, their_version = versions.get(name, "absent"), their_versions.get(name, "absent")
        if version != their_version:
            yield f"has {name} {their_version}, and this run has {name} {version}"
    if ours.files != theirs.files:
        yield f"has other files of {module} than this run"


def _by_name(versions: Collection[str]) -> dict[str, str]:
    pairs = [text.partition(" ") for text in versions]
    return {name: version for name, _, version in pairs}
