"""The one place that asks git: which files are source, what is checked out, and what a release changes."""

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowlock.edges import file_locks, files, process
from flowlock.edges.state_folder import NAME as STATE_FOLDER
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError

# What a hook gives to its children: it names their repository, which need not be ours. As `git rev-parse
# --local-env-vars` lists them, less the settings of `git -c`, which git also passes to submodules.
OF_ONE_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
# How the index shows the mode of a submodule.
SUBMODULE = "160000 "
# What stands for the bytes of a name that are not UTF-8.
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
# How git says (in the C locale) that neither a folder nor one above it is in a repository.
NO_REPOSITORY = "not a git repository (or any"
# Nobody is there to type a password.
UNATTENDED = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
# A checkout with line endings as they are stored, and without hooks of the account.
_PLAIN = ("-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
# What `git check-ignore` ends with.
IGNORED, NOT_IGNORED = 0, 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceListing:
    """The source files below a folder, and the repositories there, of which git lists no files.

    Both are sorted POSIX paths.
    """

    files: list[str]
    repositories: list[str]


def source_files(folder: Path) -> list[str]:
    """Return the files of `listed`."""
    return listed(folder).files


def listed(folder: Path) -> SourceListing:
    """Return what is below a folder and is tracked, or untracked and not ignored.

    A tracked file that was deleted from the working tree is not listed. A file whose name is not UTF-8 is,
    with replacement characters in it. Of a workspace that is in no repository (an unpacked archive), the
    files are listed that its `.gitignore` files do not ignore; `folder` is then the workspace's root.
    """
    command = ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "."]
    names = sorted({name for name in _list(folder, *command).split("\0") if name})
    modes = {name: _mode(f"{folder}{os.sep}{name}") for name in names}
    files = [name for name, mode in modes.items() if _is_file(name, mode)]
    folders = [name for name, mode in modes.items() if stat.S_ISDIR(mode)]
    return SourceListing(files=files, repositories=_repositories(folder, folders))


def _is_file(name: str, mode: int) -> bool:
    """Return whether git's name is that of a file; one that is not UTF-8 has no mode here."""
    if mode == 0:
        return UNREADABLE in name
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _mode(path: str) -> int:
    """Return the kind of file, 0 for none; without `Path`, which takes longer than the system call."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _repositories(folder: Path, names: list[str]) -> list[str]:
    """Return those of the listed folders that are repositories.

    All that are not tracked are, and end with `/`; another one may be where a tracked file was.
    """
    if not names:
        return []
    entries = _list(folder, "--literal-pathspecs", "ls-files", "--stage", "-z", "--", *names).split("\0")
    submodules = {entry.partition("\t")[2] for entry in entries if entry.startswith(SUBMODULE)}
    return sorted(name.rstrip("/") for name in names if name.endswith("/") or name in submodules)


def stored_with_lf(folder: Path) -> list[str]:
    """Return the source files below a folder whose CRLF line ends git stores as LF (gitattributes(5)).

    A text file that is committed with CRLF stays unchanged, as git leaves it.
    """
    command = ["ls-files", "--eol", "--cached", "--others", "--exclude-standard", "-z", "--", "."]
    rows = [row.partition("\t") for row in _list(folder, *command).split("\0") if row]
    setting = _git(folder, "config", "--get", "core.autocrlf", check=False)
    automatic = setting.strip() in {"true", "input"}
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
    """Return the commit that a revision names; a FlowlockError reports that the name does not exist.

    Where there is no repository, it says that the command needs one.
    """
    command = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    done = run(folder, *command, check=False)
    if NO_REPOSITORY in done.stderr:
        raise _no_repository(folder)
    if done.returncode != 0:
        raise FlowlockError(
            f"git revision `{revision}` does not exist",
            code="FL023",
            hint="name an existing commit, branch or tag; `git fetch` may download it",
        )
    return done.stdout.strip()


def files_at(folder: Path, commit: str) -> list[str]:
    """Return the files below a folder as a commit has them: sorted POSIX paths relative to the folder."""
    names = _git(folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", ".").split("\0")
    return sorted(name for name in names if name)


def text_at(folder: Path, commit: str, path: str) -> str:
    """Return a file's text as a commit has it; the path is relative to the folder."""
    return _git(folder, "show", f"{commit}:./{path}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What is checked out: the commit, and the branch (None if the head is detached)."""

    commit: str
    branch: str | None


def head(root: Path) -> Head:
    """Return what is checked out; a repository without a commit is an error."""
    commit = commit_of(root, "HEAD")
    branch = _git(root, "symbolic-ref", "--short", "-q", "HEAD", check=False).strip()
    return Head(commit=commit, branch=branch or None)


def tag_commit(root: Path, tag: str) -> str | None:
    """Return the commit that a tag of this repository stands for, None if there is no such tag."""
    name = f"refs/tags/{tag}^{{commit}}"
    return _git(root, "rev-parse", "--verify", "--quiet", name, check=False).strip() or None


def merged_tags(root: Path, pattern: str) -> list[str]:
    """Return the tags at or before what is checked out; none without a repository or a commit."""
    return _git(root, "tag", "--list", pattern, "--merged", "HEAD", check=False).split()


def dirty(root: Path) -> list[str]:
    """Return the files that differ from the commit, or are new and not ignored."""
    rows = _git(root, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all").split("\0")
    return sorted(row[3:] for row in rows if row)


def clean_commit(root: Path) -> str:
    """Return the commit that the files are of; nothing if a file differs, or without a commit."""
    done = run(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False)
    commit = done.stdout.strip()
    return commit if done.returncode == 0 and not dirty(root) else ""


def contains(root: Path, branch: str, commit: str) -> bool:
    """Return whether a commit is on a branch."""
    return run(root, "merge-base", "--is-ancestor", commit, branch, check=False).returncode == 0


def remotes(root: Path) -> list[str]:
    """Return the names of the remotes, `origin` first."""
    return sorted(_git(root, "remote").split(), key=lambda name: (name != "origin", name))


def remote_url(root: Path) -> str:
    """Return the address of the first remote as git has it, which may contain a credential; or nothing."""
    names = _git(root, "remote", check=False).split()
    first = min(names, key=lambda name: (name != "origin", name), default="")
    return _git(root, "remote", "get-url", first, check=False).strip() if first else ""


def branches(root: Path) -> list[str]:
    """Return the short names of local and remote branches: `main`, `origin/main`, `origin/HEAD`."""
    names = _git(root, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes").split()
    return [name.removeprefix("refs/heads/").removeprefix("refs/remotes/") for name in names]


def remote_tag(root: Path, remote: str, tag: str) -> str | None:
    """Return the commit of a remote's tag, None if it has none; an unreachable remote is an error."""
    reference = f"refs/tags/{tag}"
    return _commit_in(_git(root, "ls-remote", remote, reference, f"{reference}^{{}}"), reference)


def remote_reference(root: Path, address: str, reference: str) -> str | None:
    """Return the commit of a full reference of a repository elsewhere, None if it has none."""
    listing = ["ls-remote", "--", address, reference, f"{reference}^{{}}"]
    done = run(root, *listing, env=UNATTENDED, check=False)
    if done.returncode != 0:
        raise _unreachable(address, done)
    return _commit_in(done.stdout, reference)


def check_out(root: Path, address: str, commit: str, folder: Path) -> None:
    """Check out a commit of a repository elsewhere into a new repository in `folder`, whole or not at all.

    Nothing that the commit or the account brings is run: neither hooks nor filters.
    """
    with files.staged_folder(folder) as staging:
        run(root, "init", "--quiet", "--template=", str(staging))
        fetched = run(staging, "fetch", "--quiet", "--depth=1", address, commit, env=UNATTENDED, check=False)
        if fetched.returncode != 0:
            # Some servers give no commit that is not the end of a branch or a tag.
            every = ("+refs/heads/*:refs/remotes/all/*", "+refs/tags/*:refs/tags/*")
            fetched = run(staging, "fetch", "--quiet", address, *every, env=UNATTENDED, check=False)
        if fetched.returncode != 0:
            raise _unreachable(address, fetched)
        made = run(staging, *_PLAIN, "checkout", "--quiet", "--detach", commit, check=False)
        if made.returncode != 0:
            raise FlowlockError(
                f"{address} does not have the commit {commit}",
                code="FL939",
                detail=made.stderr.strip(),
                hint="name a commit, tag or branch that is there; a tag may have been moved",
            )


def _commit_in(listing: str, reference: str) -> str | None:
    """Return the commit of a reference in what `ls-remote` lists; that of an annotated tag is named apart."""
    commits: dict[str, str] = {}
    for row in listing.splitlines():
        commit, _, name = row.partition("\t")
        commits[name] = commit
    return commits.get(f"{reference}^{{}}") or commits.get(reference)


def _unreachable(address: str, done: process.Completed) -> FlowlockError:
    return FlowlockError(
        f"{address} cannot be read",
        code="FL938",
        detail=done.stderr.strip(),
        hint="check the address, the network, and that git has access without a password",
    )


def add_worktree(root: Path, folder: Path, commit: str) -> None:
    """Check a commit out into a separate folder, without a branch."""
    _git(root, "worktree", "add", "--quiet", "--detach", str(folder), commit)


def remove_worktree(root: Path, folder: Path) -> None:
    """Forget a checkout of `add_worktree` and delete its folder, whatever its state."""
    _git(root, "worktree", "remove", "--force", "--force", str(folder), check=False)
    shutil.rmtree(folder, ignore_errors=True)
    _git(root, "worktree", "prune")


def commit_all(root: Path, message: str) -> str:
    """Commit every change below a folder, new and deleted files too, and return the commit."""
    _git(root, "add", "--all", ".")
    _git(root, "commit", "--quiet", "--message", message)
    return head(root).commit


def fast_forward(root: Path, commit: str) -> None:
    """Move the branch that is checked out, and its files, to a commit that follows it."""
    _git(root, "merge", "--quiet", "--ff-only", commit)


def make_tag(root: Path, tag: str, message: str, commit: str) -> None:
    """Make an annotated tag; one that exists is left alone, and is an error."""
    _git(root, "tag", "--annotate", "--message", message, tag, commit)


def diff(root: Path, commit: str, *, to: str) -> str:
    """Return the unified diff between two commits."""
    return _git(root, "diff", "--no-color", "--no-ext-diff", commit, to)


def _list(folder: Path, *arguments: str) -> str:
    """Ask git about the files of a folder, in its repository, or by way of a throwaway one if it has none."""
    listed_there = run(folder, *arguments, check=False)
    # A repository that lists any file of the folder does not ignore it.
    if listed_there.returncode == 0 and listed_there.stdout:
        return listed_there.stdout
    return run(folder, *arguments, env=_listing_variables(folder)).stdout


def _listing_variables(folder: Path) -> Mapping[str, str]:
    """Return the variables by which git finds the repository to list a folder with.

    None in a repository, unless that ignores the folder: then it is about something else, such as a home
    directory that an archive was unpacked in.
    """
    done = run(folder, "check-ignore", "--quiet", ".", check=False)
    if done.returncode == NOT_IGNORED:
        return {}
    if done.returncode == IGNORED or NO_REPOSITORY in done.stderr:
        return {"GIT_DIR": str(_throwaway(folder)), "GIT_WORK_TREE": str(folder.absolute())}
    raise FlowlockError(
        f"git cannot list the files of {folder}: {done.stderr.strip()}",
        code="FL024",
        hint="run `git status` in that folder and follow its instructions",
    )


def _throwaway(folder: Path) -> Path:
    """Return a git folder without any history, made outside of what the workspace keeps."""
    git_folder = StateFolder.of(folder.absolute()).throwaway_git
    with file_locks.alone(git_folder.with_name("git.lock")):
        done = run(folder, "rev-parse", "--git-dir", env={"GIT_DIR": str(git_folder)}, check=False)
        if done.returncode != 0:
            files.remove(git_folder)
            with files.staged_folder(git_folder) as staging:
                run(folder, "init", "--quiet", "--bare", "--template=", str(staging))
                files.write_text(staging / "info" / "exclude", f"/{STATE_FOLDER}/\n")
    return git_folder


def _git(folder: Path, *arguments: str, check: bool = True) -> str:
    return run(folder, *arguments, check=check).stdout


def run(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, check: bool = True
) -> process.Completed:
    """Call git for the repository that a folder is in, whichever one the environment names.

    `env` adds variables to those of this process.
    """
    kept = {name: value for name, value in os.environ.items() if name not in OF_ONE_REPOSITORY}
    # Its messages are read here, and have to be in one language.
    variables = {**kept, "LC_ALL": "C", **(env or {})}
    done = process.run(["git", *arguments], cwd=folder, env=variables, check=False)
    if check and NO_REPOSITORY in done.stderr:
        raise _no_repository(folder)
    return process.require_success("git", done) if check else done


def _no_repository(folder: Path) -> FlowlockError:
    return FlowlockError(
        f"{folder} is not in a git repository, and this command needs the git history",
        code="FL021",
        hint="run it in a clone of the repository; an unpacked archive has no history",
    )
