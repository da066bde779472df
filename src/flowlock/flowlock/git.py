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
