"""The one place that asks git: which files a folder holds that belong to the source."""

from pathlib import Path

from flowlock import process
from flowlock.errors import FlowlockError


def source_files(folder: Path) -> list[str]:
    """Return the files below a folder that are tracked, or untracked and not ignored, as sorted POSIX paths.

    A tracked file that was deleted from the working tree is not listed. Outside of a repository that is an
    error: without git there is no saying what is source and what is litter.
    """
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "."]
    done = process.run(command, cwd=folder, check=False)
    if done.returncode != 0:
        raise FlowlockError(
            f"{folder} is not in a git repository: {done.stderr.strip()}",
            code="FL021",
            hint="run `git init` in the workspace; git says which files are source",
        )
    names = sorted({name for name in done.stdout.split("\0") if name})
    return [name for name in names if (folder / name).is_symlink() or (folder / name).is_file()]


def stored_with_lf(folder: Path) -> list[str]:
    """Return the source files below a folder whose CRLF line ends git stores as LF (gitattributes(5)).

    A text file that is committed with CRLF stays as it is, as git leaves it.
    """
    command = ["git", "ls-files", "--eol", "--cached", "--others", "--exclude-standard", "-z", "--", "."]
    rows = [row.partition("\t") for row in process.run(command, cwd=folder).stdout.split("\0") if row]
    setting = process.run(["git", "config", "--get", "core.autocrlf"], cwd=folder, check=False)
    automatic = setting.stdout.strip() in {"true", "input"}
    return [name for facts, _, name in rows if _turned_into_lf(facts, automatic=automatic)]


def _turned_into_lf(facts: str, *, automatic: bool) -> bool:
    """Read one line of `git ls-files --eol`: `i/lf w/crlf attr/text=auto eol=lf`."""
    stored, _, rest = facts.partition("w/")
    here, _, attributes = rest.partition("attr/")
    words = attributes.split()
    if "text" in words:
        return True
    if "-text" in words or here.strip() not in {"crlf", "mixed"}:
        return False
    return ("text=auto" in words or (automatic and not words)) and stored.strip() not in {"i/crlf", "i/mixed"}


def commit_of(folder: Path, revision: str) -> str:
    """Return the commit that a revision names; a FlowlockError says that there is none of that name."""
    command = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    done = process.run(command, cwd=folder, check=False)
    if done.returncode != 0:
        raise FlowlockError(
            f"git knows no revision `{revision}`",
            code="FL023",
            hint="name a commit, branch or tag that is here; `git fetch` may bring it",
        )
    return done.stdout.strip()


def files_at(folder: Path, commit: str) -> list[str]:
    """Return the files below a folder as a commit has them: sorted POSIX paths relative to the folder."""
    done = process.run(["git", "ls-tree", "-r", "-z", "--name-only", commit, "--", "."], cwd=folder)
    return sorted(name for name in done.stdout.split("\0") if name)


def text_at(folder: Path, commit: str, path: str) -> str:
    """Return a file's text as a commit has it; the path is relative to the folder."""
    return process.run(["git", "show", f"{commit}:./{path}"], cwd=folder).stdout
