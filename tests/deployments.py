"""A workspace with a manifest in a real repository that has a real remote, for tests of deployments."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from checkout import Outcome

IMAGE = "ghcr.io/octo/services"
VALUES = """# The values of Dagster's chart.
dagster-user-deployments:
  enabled: true
  deployments:
    - name: "services"   # the location
      image:
        repository: ghcr.io/octo/services
        tag: "1.0.0"  # flowlock deploy writes this
        pullPolicy: IfNotPresent
"""
SETTINGS = """[workspace]
name = "flow"
version = "0.1.0"
epoch = 2026-11-01T00:00:00Z

[channels]
release = "https://prefix.dev/flow"

[build]
backend = "hatchling ==1.30.1"
installer = "uv ==0.11.21"

[deploy.services]
image = "ghcr.io/octo/services"
file = "deploy/values.yaml"
forge = "{forge}"
"""
IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployedWorkspace:
    """A clone of `remote`, which is a bare repository."""

    root: Path
    remote: Path
    environ: Mapping[str, str]

    @property
    def values(self) -> Path:
        return self.root / "deploy/values.yaml"

    def flowlock(self, *arguments: str | Path, **variables: str) -> Outcome:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, "-m", "flowlock", *map(str, arguments)],
            cwd=self.root,
            env={**kept, **IDENTITY, "HOME": str(self.root.parent), **self.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        environ = {**os.environ, **IDENTITY, "HOME": str(self.root.parent)}
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=cwd or self.root, env=environ, check=True, capture_output=True)
        return done.stdout.decode()

    def deployed(self, branch: str = "main") -> bytes:
        """Return the values as a branch of the remote has them."""
        command = ["git", "show", f"{branch}:deploy/values.yaml"]
        return subprocess.run(command, cwd=self.remote, check=True, capture_output=True).stdout

    def branches(self) -> dict[str, str]:
        """Return the branches of the remote with their commits."""
        rows = self.git("for-each-ref", "--format=%(refname:short) %(objectname)", cwd=self.remote)
        return dict(row.split() for row in rows.splitlines())

    def state(self) -> dict[str, bytes | str]:
        """Return everything that a user sees of the clone: files, and what git says."""
        files: dict[str, bytes | str] = {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and not {".git", ".flowlock"}.intersection(path.relative_to(self.root).parts)
        }
        return {**files, "HEAD": self.git("rev-parse", "HEAD"), "status": self.git("status", "--porcelain")}


def deployed_workspace(
    folder: Path,
    environ: Mapping[str, str],
    *,
    values: bytes = VALUES.encode(),
    forge: str = "github:octo/flow",
) -> DeployedWorkspace:
    """Make a remote whose main branch has the manifest, and a clone of it."""
    remote, root = folder / "remote é.git", folder / "clone é"
    workspace = DeployedWorkspace(root=root, remote=remote, environ=environ)
    folder.mkdir(parents=True, exist_ok=True)
    root.mkdir()
    workspace.git("init", "-q", "--bare", "-b", "main", str(remote), cwd=folder)
    workspace.git("init", "-q", "-b", "main")
    workspace.values.parent.mkdir()
    workspace.values.write_bytes(values)
    (root / "flowlock.toml").write_text(SETTINGS.format(forge=forge))
    (root / ".gitignore").write_text(".flowlock/\n")
    workspace.git("add", "-A")
    workspace.git("commit", "-qm", "All")
    workspace.git("remote", "add", "origin", str(remote))
    workspace.git("push", "-q", "origin", "main")
    return workspace
