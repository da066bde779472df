"""Generated packages that someone changed by hand: nothing of them is built, locked, installed or run."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from flowlock.compile.manifest import MANIFEST, digest, recorded
from flowlock.errors import FlowlockError, Location, Problem, from_os_error
from flowlock.workspace import GeneratedPackage, Workspace

CODE = "FL203"


def refuse(workspace: Workspace, packages: Iterable[GeneratedPackage]) -> None:
    """Refuse packages that have files that are not as they were generated, all of them at once."""
    problems = [problem for package in packages for problem in edits(workspace, package)]
    if problems:
        raise FlowlockError("generated files were changed by hand", problems=problems)


def edits(workspace: Workspace, generated: GeneratedPackage) -> Iterator[Problem]:
    """Yield the files of a compiled package that differ from the record of what was generated."""
    for path, digests in sorted(recorded(existing(generated.package / MANIFEST) or "").items()):
        text = existing(generated.package / path)
        shown = workspace.relative(generated.package / path)
        if text is None:
            message, hint = "this generated file was deleted by hand", "run `flowlock compile`"
            yield Problem(code=CODE, message=message, location=Location(file=shown), hint=hint)
        elif digest(text) not in digests:
            yield edited(shown)


def edited(path: str, *, gone: bool = False) -> Problem:
    """Return the problem of a file that was changed, or that is no longer generated and was changed."""
    undo = "change the spec instead; to discard the change, delete the file and compile again"
    return Problem(
        code=CODE,
        message="this generated file was changed by hand",
        location=Location(file=path),
        hint="the file is no longer generated: delete it" if gone else undo,
    )


def existing(path: Path) -> str | None:
    """Return a file's text with LF line ends; what is not text differs from everything that we write."""
    try:
        return path.read_bytes().decode("utf-8", errors="replace").replace("\r\n", "\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise from_os_error(error, "read", path) from error
