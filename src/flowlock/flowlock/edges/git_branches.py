"""Branches of a remote, and commits that are made for them without a look at the working tree."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.edges import files, git, process
from flowlock.errors import FlowlockError

_FILES = ("100644", "100755")
_REF = "ref: refs/heads/"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedCommit:
    """A commit with its message."""

    commit: str
    message: str


def top_level(folder: Path) -> Path:
    """Return the root of the repository that a folder is in; a folder in none is a FlowlockError."""
    git.commit_of(folder, "HEAD")
    return Path(git.run(folder, "rev-parse", "--show-toplevel").stdout.strip())


def require_remote(root: Path, remote: str) -> None:
    """Refuse a repository that does not have a remote."""
    names = git.remotes(root)
    if remote not in names:
        raise FlowlockError(
            f"the repository {root} has no remote `{remote}`",
            code="FL946",
            hint=f"name one of {', '.join(names)} as `remote` in flowlock.toml"
            if names
            else f"add it: git remote add {remote} URL",
        )


def default_branch(root: Path, remote: str) -> str:
    """Return the branch that a remote shows first: its main branch."""
    rows = _asked(root, remote, "ls-remote", "--symref", remote, "HEAD").stdout.splitlines()
    for row in rows:
        if row.startswith(_REF):
            return row.removeprefix(_REF).partition("\t")[0]
    raise FlowlockError(
        f"the remote {remote} does not say which branch is its main branch",
        code="FL946",
        hint="name it with --branch, or with `branch` in flowlock.toml",
    )


def fetch_branch(root: Path, remote: str, branch: str) -> str | None:
    """Fetch a branch of a remote and return its commit, None if the remote has no such branch."""
    if not _asked(root, remote, "ls-remote", remote, f"refs/heads/{branch}").stdout.strip():
        return None
    tracked = f"refs/remotes/{remote}/{branch}"
    _asked(root, remote, "fetch", "--quiet", "--no-tags", remote, f"+refs/heads/{branch}:{tracked}")
    return git.commit_of(root, tracked)


def text_of(root: Path, commit: str, path: str) -> str | None:
    """Return a file as a commit stores it, with its line ends; None if it has no such file.

    `path` is relative to the repository's root, as everywhere here.
    """
    entry = _entry(root, commit, path)
    if entry is None:
        return None
    _, blob = entry
    with tempfile.TemporaryDirectory(prefix="blob-") as folder:
        # What git prints passes through a pipe that does not keep carriage returns.
        git_folder = git.run(root, "rev-parse", "--absolute-git-dir").stdout.strip()
        variables = {"GIT_DIR": git_folder, "GIT_WORK_TREE": folder}
        name = git.run(Path(folder), "unpack-file", blob, env=variables).stdout.strip()
        return files.read_text(Path(folder) / name, path)


def commit_text(root: Path, parent: str, path: str, text: str, message: Sequence[str]) -> str:
    """Make a commit in which one file has another text, and return it; no branch and no file changes.

    `message` are the paragraphs of its message.
    """
    entry = _entry(root, parent, path)
    if entry is None:
        raise TypeError(f"{path} must be a file of the commit")
    mode, _ = entry
    with tempfile.TemporaryDirectory(prefix="commit-") as folder:
        content = Path(folder) / "content"
        files.write_text(content, text)
        blob = git.run(root, "hash-object", "-w", "--no-filters", str(content)).stdout.strip()
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.run(root, "read-tree", parent, env=index)
        git.run(root, "update-index", "--cacheinfo", f"{mode},{blob},{path}", env=index)
        tree = git.run(root, "write-tree", env=index).stdout.strip()
    paragraphs = [word for paragraph in message for word in ("-m", paragraph)]
    return git.run(root, "commit-tree", tree, "-p", parent, *paragraphs).stdout.strip()


def push(root: Path, remote: str, commit: str, branch: str, *, instead_of: str = "") -> None:
    """Push a commit to a branch of a remote, which it must follow, or take the place of `instead_of`."""
    reference = f"refs/heads/{branch}"
    lease = (f"--force-with-lease={reference}:{instead_of}",) if instead_of else ()
    done = git.run(
        root,
        *("push", "--quiet", "--porcelain", *lease, remote, f"{commit}:{reference}"),
        env=git.UNATTENDED,
        check=False,
    )
    if done.returncode != 0:
        raise FlowlockError(
            f"{remote} did not accept the commit for {branch}: {_reason(done)}",
            code="FL947",
            hint="run the same command again if the branch has moved; leave --direct out if it is protected",
            kept="the branch, unchanged",
            detail=done.stderr.strip(),
        )


def merge_base(root: Path, one: str, other: str) -> str:
    """Return the commit that two have in common, or nothing."""
    return git.run(root, "merge-base", one, other, check=False).stdout.strip()


def subject(root: Path, commit: str) -> str:
    """Return the first line of a commit's message."""
    return git.run(root, "log", "-1", "--format=%s", commit).stdout.strip()


def commits_of(root: Path, commit: str, path: str, most: int) -> list[LoggedCommit]:
    """Return the last commits up to one that changed a file, the oldest first."""
    command = ["log", f"--max-count={most}", "--format=%H%n%B%x00", commit, "--", f":(top,literal){path}"]
    blocks = [block.strip() for block in git.run(root, *command).stdout.split("\0")]
    logged = []
    for block in blocks:
        if block:
            sha, _, message = block.partition("\n")
            logged.append(LoggedCommit(commit=sha, message=message))
    return logged[::-1]


def _entry(root: Path, commit: str, path: str) -> tuple[str, str] | None:
    """Return mode and blob of a file, None if a commit has no file there."""
    rows = git.run(root, "ls-tree", "-z", "--full-tree", commit, "--", path).stdout.split("\0")
    for row in rows:
        facts, _, name = row.partition("\t")
        if name == path:
            mode, _, blob = facts.split()
            return (mode, blob) if mode in _FILES else None
    return None


def _asked(root: Path, remote: str, *arguments: str) -> process.Completed:
    done = git.run(root, *arguments, env=git.UNATTENDED, check=False)
    if done.returncode != 0:
        raise FlowlockError(
            f"the remote {remote} cannot be read",
            code="FL946",
            hint="check its address with `git remote -v`, and that your credential for it is set up",
            detail=done.stderr.strip(),
        )
    return done


def _reason(done: process.Completed) -> str:
    """Return why git could not push, from its lines for programs, or else the last that it wrote."""
    for line in done.stdout.splitlines():
        if line.startswith("!"):
            return line.rpartition("\t")[2]
    return (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
