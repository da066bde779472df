"""Planted secrets: whatever servers echo, and wherever they cut it, nothing of them is printed or kept."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from checkout import Checkout
from flowlock.cli import main
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from flowlock.report import reporter
from servers.loopback import Request, Response, answering
from servers.packages import package
from servers.venues import Venue, run

# With letters that are percent-encoded, escaped in JSON, and others in the two alphabets of base64.
SECRET = "Zq/9x+Vw-planted_K7=dENG~bPxRfi"  # noqa: S105 - opens nothing
# Any part of this length would tell.
PARTS = [SECRET[start : start + 6] for start in range(len(SECRET) - 5)]
IMPATIENT = RetryPolicy(tries=1, first_pause=0.0, longest_pause=0.0, connect=2.0, read=5.0)
KINDS = ("prefix", "github", "quetz", "s3", "gitea", "gitea-releases")
STATUSES = (401, 403, 404, 409, 418, 422, 503)


def found_in(text: str) -> list[str]:
    """Return the parts of the secret that a text has, as they are or percent-encoded."""
    return [part for part in PARTS if part in text or quote(part, safe="") in text]


def echo_of(request: Request) -> bytes:
    """Return all that a careless server quotes: headers, twice, once as JSON."""
    credentials = [value for value in request.headers.values() if SECRET in value]
    return f"{' '.join(credentials)} {json.dumps(request.headers)} {quote(SECRET, safe='')}".encode()


@dataclass(kw_only=True)
class Echo:
    """A server that answers every request with what it was sent, cut to a length."""

    status: int = 401
    length: int | None = None
    seen: int = 0

    def answer(self, request: Request) -> Response:
        self.seen += 1
        return Response(status=self.status, body=echo_of(request)[: self.length], media="text/plain")


def venue(kind: str, url: str) -> Venue:
    targets = {
        "prefix": f"prefix:{url}/flowlock",
        "quetz": f"quetz:{url}/get/flowlock",
        "s3": "s3://bucket/channel",
        "github": "github:octo/flow",
        "gitea": f"gitea:{url}/octo",
        "gitea-releases": f"gitea:{url}/octo/flow",
    }
    return Venue(target=targets[kind], environ=credentials(url), served=dict)


def credentials(url: str) -> dict[str, str]:
    return {
        **dict.fromkeys(("PREFIX_API_KEY", "QUETZ_API_KEY", "GITHUB_TOKEN", "GITEA_TOKEN"), SECRET),
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), SECRET),
        **dict.fromkeys(("AWS_ENDPOINT_URL", "GITHUB_API_URL"), url),
    }


def connections(url: str) -> dict[str, str]:
    """Return the settings of connections, which the toolchain has no use for."""
    return {
        "FLOWLOCK_CONNECTIONS__POSTGRES__MAIN__PASSWORD": SECRET,
        "ECOSCOPE_WORKFLOWS__CONNECTIONS__EARTHRANGER__MAIN__TOKEN": SECRET,
        "FLOWLOCK_CONNECTIONS__S3__LAKE__SECRET_ACCESS_KEY": SECRET,
        "FLOWLOCK_CONNECTIONS__S3__LAKE__ENDPOINT": url,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_echo_that_is_cut_at_any_length_shows_no_part_of_a_credential(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = package(tmp_path / "a", "core")
    echo = Echo()
    with answering(echo.answer) as url:
        for length in range(200):
            echo.length, echo.status = length, STATUSES[length % len(STATUSES)]
            before = echo.seen
            assert not found_in(told(venue(kind, url), path, tmp_path))
            assert echo.seen > before
    printed = capsys.readouterr()
    assert not found_in(printed.out + printed.err)
    assert not kept(tmp_path)


def told(venue: Venue, path: Path, folder: Path) -> str:
    """Publish and report; return what is said before the reporter has a hand in it."""
    try:
        result = run([venue], [path], folder, retry_policy=IMPATIENT, deadline=0.0)
    except FlowlockError as error:
        reporter.emit_failure(error, as_json=True)
        return " ".join(f"{problem.message} {problem.hint}" for problem in error.problems)
    reporter.emit(result, as_json=True)
    return f"{result.as_text()} {result.as_json()}"


def kept(folder: Path) -> list[Path]:
    """Return the files below a folder that have a part of the secret."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if found_in(path.read_bytes().decode("latin-1"))]


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new workspace with a tag, whose channels, index, remote and targets are all one careless server."""
    root, home = tmp_path / "space", tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_", "GIT_")):
            monkeypatch.delenv(name)
    with answering(Echo().answer) as url:
        info = url.replace("//", f"//reader:{quote(SECRET, safe='')}@")
        planted: Mapping[str, str] = {
            **credentials(url),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "UV_INDEX_URL": f"{info}/simple",
            "UV_CACHE_DIR": str(home / "uv"),
            "UV_HTTP_RETRIES": "0",
            "GIT_TERMINAL_PROMPT": "0",
            **connections(url),
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/actions",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET,
        }
        for name, value in planted.items():
            monkeypatch.setenv(name, value)
        assert main(["init", str(root)]) == 0
        toml = root / "flowlock.toml"
        lines = toml.read_text().splitlines()
        changed = [f'release = "{url}/release"' if line.startswith("release") else line for line in lines]
        toml.write_text("\n".join(changed).replace('"conda-forge"', f'"{url}/forge"') + "\n")
        git(root, "init", "-q", "-b", "main")
        git(root, "remote", "add", "origin", f"{info}/repo.git")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "All")
        git(root, "tag", "-a", "-m", "Release", "v0.1.0")
        yield root


def git(root: Path, *arguments: str) -> None:
    named = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *named, *arguments], cwd=root, check=True, capture_output=True)


COMMANDS: Mapping[str, list[str]] = {
    name: name.split()
    for name in (
        "tasks",
        "check",
        "compile",
        "recipe hello",
        "workflows",
        "doctor",
        "diff HEAD",
        "channel ls",
        "cache ls",
        "build --dry-run",
        "lock",
        "lock --check",
        "sync --check",
        "status",
        "run hello",
        "test hello",
        "release minor --dry-run",
        "release --tag",
        "verify --tag v0.1.0",
        "export conda-explicit hello",
        "update-requirement flowlock-core 99",
        "--profile embedded base",
    )
} | {
    f"{name} to {kind}": [*name.split(), "--to", f"TARGET {kind}"]
    for kind in KINDS
    for name in (
        "status",
        "publish --tag v0.1.0",
        "verify --tag v0.1.0",
    )
}


def test_no_command_prints_or_keeps_a_planted_secret(space: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = os.environ["GITHUB_API_URL"]
    spoken = 0
    for words in COMMANDS.values():
        argv = [venue(word.split()[1], url).target if word.startswith("TARGET ") else word for word in words]
        for options in (["-v"], ["-v", "--json"]):
            code = main(["-C", str(space), *options, *argv])
            printed = capfd.readouterr()
            assert code in {0, 1, 2}, f"{argv}: {printed.err}"
            assert not found_in(printed.out + printed.err), f"{argv}: {printed.out}{printed.err}"
            spoken += len(printed.err)
    assert spoken
    # The repository's own settings are where the test has put it.
    assert kept(space) == [space / ".git" / "config"]
    assert not kept(space.parent / "home")


def test_a_verbose_run_whose_connection_fails_shows_no_secret(checkout: Callable[[], Checkout]) -> None:
    copy = checkout()
    params = copy.root / "examples/penguins/params.yaml"
    params.unlink()
    params.write_text("observations:\n  path: s3://bucket/penguins.csv\n  connection: lake\n")
    with answering(Echo().answer) as url:
        for options in (["-v"], ["-v", "--json"]):
            done = copy.flowlock(*options, "run", "penguins", cwd=None, **connections(url))
            assert done.code == 1, done.err
            assert "lake" in done.err + done.out
            assert not found_in(done.out + done.err), done.out + done.err
    assert not kept(copy.root / "examples")
    assert not kept(copy.state.path / "results")
