"""`make demo` as a newcomer runs it: with Debian's Python, and from an unpacked archive; the same bytes."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from checkout import Checkout, copy_repository
from shared import require_part

DEBIAN = Path("/usr/bin/python3")
NO_INDEX = "http://127.0.0.1:9/simple"

pytestmark = pytest.mark.skipif(
    os.environ.get("FLOWLOCK_TEST_PARTS") != "required",
    reason="each demo takes a minute: FLOWLOCK_TEST_PARTS=required runs them",
)


def make_demo(root: Path, python: Path, **variables: str) -> tuple[list[str], str]:
    """Run `make demo` as a fresh account does; return what it prints, and what it says meanwhile."""
    home = root.parent / "an äccount"
    home.mkdir(exist_ok=True)
    cache = subprocess.run([find_uv_bin(), "cache", "dir"], check=True, capture_output=True, text=True).stdout
    settings = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "http", "no_proxy")
    kept = {name: value for name, value in os.environ.items() if name.startswith(settings)}
    # Wheels that are on this machine need not be downloaded again; nothing else of this account is there.
    environment = {**kept, "PATH": os.defpath, "HOME": str(home), "UV_CACHE_DIR": cache.strip(), **variables}
    done = subprocess.run(
        ["make", "--no-print-directory", f"PYTHON={python}", "demo"],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


def artifacts(root: Path) -> dict[str, str]:
    """Return the digest of each artifact that was built there."""
    archives = (root / ".flowlock/channel").rglob("*.conda")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in archives}


def assert_demo_artifacts(root: Path, whole: Path) -> None:
    """Hold the artifacts of a demo against those of a whole `sync` with the Python of the tests.

    The demo builds what its two workflows need: two workflows, their two task packages, natsort.
    """
    built = artifacts(root)
    expected = artifacts(whole)
    assert len(built) >= 5
    assert built == {name: expected.get(name) for name in built}


def dashboards(root: Path) -> list[str]:
    return [
        str(root / f".flowlock/results/{name}/dashboard.html")
        for name in ("penguins", "weather")
        if (root / f".flowlock/results/{name}/dashboard.html").is_file()
    ]


def test_the_demo_works_with_debians_python_and_makes_the_same_bytes(
    synced: Checkout, tmp_path: Path
) -> None:
    require_part(found=DEBIAN.is_file() and Path("/etc/debian_version").is_file(), part="Debian's python3")
    root = tmp_path / "a clöne"
    root.mkdir()
    copy_repository(root)
    printed, said = make_demo(root, DEBIAN)
    assert printed[-1:] == dashboards(root)[-1:] != []
    assert "with 3 edits" in said
    assert_demo_artifacts(root, synced.root)


def test_the_demo_works_in_an_unpacked_archive_and_makes_the_same_bytes(
    synced: Checkout, tmp_path: Path
) -> None:
    root = tmp_path / "an ärchive"
    root.mkdir()
    archive = tmp_path / "source.tar"
    subprocess.run(["git", "archive", "-o", archive, "HEAD"], cwd=synced.root, check=True)
    subprocess.run(["tar", "-xf", archive, "-C", root], check=True)
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    printed, said = make_demo(root, python)
    assert printed[-1:] == dashboards(root)[-1:] != []
    # The first line comes before anything else is done.
    first, second, *_ = said.splitlines()
    assert first.startswith("demo       penguins and weather: ")
    assert second.startswith("environment  Python ")
    assert "downloading" in said
    assert_demo_artifacts(root, synced.root)
    assert not (root / ".git").exists()

    again, said = make_demo(root, python, UV_DEFAULT_INDEX=NO_INDEX, PIP_INDEX_URL=NO_INDEX)
    assert again == printed
    assert [line for line in said.splitlines()[1:] if not line.split()[1].startswith("current")] == []
    for command in (["diff", "HEAD"], ["release", "minor"], ["verify", "--tag", "v0.1.0"]):
        refused = Checkout(root=root).flowlock(*command)
        assert (refused.code, "FL021" in refused.err) == (1, True), refused.err
