"""Debian's and Ubuntu's CPython: the edits that let a copy of it find `site-packages` in another prefix.

Their patches put packages into `dist-packages` unless one condition holds, which is true in virtual
environments only. It is in `site.py` and in `sysconfig`, and `site` is compiled into the program as well,
which is the one that an interpreter starts with. In a packaged copy the condition is always true. Each file
must hold it exactly once, in the function that is patched: what cannot be recognised is not edited.
"""

import ast
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.edges import process

LAYOUT = "dist-packages"
# As `ast.unparse` writes it, whatever its quotes and line breaks are in the file.
CONDITION = "sys.base_prefix != sys.prefix or hasattr(sys, 'real_prefix')"
ALWAYS = "True"
# A constant of compiled code gives way to one of the same length only; `sys` always has this attribute.
COMPILED_NAME, COMPILED_ALWAYS = "real_prefix", "base_prefix"

_SITE = (("site.py",), "getsitepackages")
# A module that became a package in later versions of Python.
_SYSCONFIG = (("sysconfig.py", "sysconfig/__init__.py"), "_get_preferred_schemes")
_TRIAL = """
import json, site, sysconfig
print(json.dumps([sysconfig.get_default_scheme(), sysconfig.get_path("purelib"), site.getsitepackages()[0]]))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class InterpreterEdit:
    """One replacement in one file of a packaged interpreter; `path` is relative to the prefix."""

    path: str
    before: str
    after: str


class UnknownPatchError(ValueError):
    """An interpreter is not patched in the way that the edits are for; the text says where it differs."""


def find_edits(prefix: Path, series: str, *, frozen_site: bool) -> tuple[InterpreterEdit, ...]:
    """Return what has to be edited in a copy of Debian's interpreter, or raise an UnknownPatchError.

    `frozen_site` is whether `site` is compiled into the program.
    """
    stdlib = f"lib/python{series}"
    edits = []
    for candidates, function in (_SITE, _SYSCONFIG):
        path = _first_file(prefix, [f"{stdlib}/{name}" for name in candidates])
        text = (prefix / path).read_text(encoding="utf-8", errors="replace")
        edits.append(source_edit(path, text, function))
    if frozen_site:
        program = f"bin/python{series}"
        edits.append(program_edit(program, (prefix / program).read_bytes()))
    return tuple(edits)


def _first_file(prefix: Path, candidates: Sequence[str]) -> str:
    for path in candidates:
        if (prefix / path).is_file():
            return path
    raise UnknownPatchError(f"{prefix / candidates[0]} is missing")


def source_edit(path: str, text: str, function: str) -> InterpreterEdit:
    """Return the edit of a module, whose condition must stand once, in the function of that name."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise UnknownPatchError(f"{path} cannot be parsed: {error}") from error
    everywhere = list(_conditions(module))
    if len(everywhere) != 1:
        raise UnknownPatchError(f"{path} holds the condition `{CONDITION}` {_times(len(everywhere))}")
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == function]
    if not any(everywhere[0] in _conditions(node) for node in functions):
        raise UnknownPatchError(f"{path} holds the condition `{CONDITION}` outside `{function}`")
    before = ast.get_source_segment(text, everywhere[0]) or ""
    if text.count(before) != 1:
        raise UnknownPatchError(f"{path} holds the text `{before}` {_times(text.count(before))}")
    return InterpreterEdit(path=path, before=before, after=ALWAYS)


def _conditions(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp) and ast.unparse(node) == CONDITION:
            yield node


def program_edit(path: str, data: bytes) -> InterpreterEdit:
    """Return the edit of a program that `site` is compiled into; the condition's constant must occur once."""
    count = data.count(COMPILED_NAME.encode())
    if count != 1:
        raise UnknownPatchError(f"{path} holds the constant `{COMPILED_NAME}` {_times(count)}")
    return InterpreterEdit(path=path, before=COMPILED_NAME, after=COMPILED_ALWAYS)


def _times(count: int) -> str:
    return {0: "nowhere", 1: "once", 2: "twice"}.get(count, f"{count} times")


def apply(edits: Iterable[InterpreterEdit], path: str, data: bytes) -> bytes:
    """Return a file's bytes after the edits that are about it."""
    for edit in edits:
        if edit.path == path:
            data = data.replace(edit.before.encode(), edit.after.encode())
    return data


def try_edits(
    files: Mapping[str, Path], edits: Sequence[InterpreterEdit], *, series: str, folder: Path
) -> None:
    """Start an edited copy of an interpreter; one that misses `site-packages` is an UnknownPatchError.

    `files` are those of its package, by path in the prefix. `folder` is emptied before and removed after.
    """
    program = f"bin/python{series}"
    copied = {program, *(edit.path for edit in edits)}
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for path, source in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path in copied:
                target.write_bytes(apply(edits, path, source.read_bytes()))
            else:
                target.symlink_to(source)
        (folder / program).chmod(0o755)
        done = process.run([folder / program, "-I", "-c", _TRIAL], env={}, cwd=folder, check=False)
        site_packages = str(folder / "lib" / f"python{series}" / "site-packages")
        expected = ["posix_prefix", site_packages, site_packages]
        if done.returncode != 0 or json.loads(done.stdout) != expected:
            answer = done.stdout.strip() or done.stderr.strip()
            raise UnknownPatchError(f"the patched copy does not find its site-packages: {answer}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
