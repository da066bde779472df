"""Real servers in virtual environments of their own: quetz (a conda server) and moto's S3."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared import once

# quetz crashes with current versions of both.
QUETZ = ("quetz-server==0.10.4", "starlette<0.40", "fastapi<0.116")
MOTO = ("moto[s3,server]==5.2.5",)
API_KEY = "quetz-key-8f14e45fceea167a5a36dedd4bea2543"

# quetz never gets back the database connection of an upload that is cut off, of which it has fifteen and no
# setting for more: a storm of such uploads would be about nothing else.
START = """
import functools, sqlalchemy
sqlalchemy.create_engine = functools.partial(sqlalchemy.create_engine, pool_size=0)
from quetz.cli import app
app()
"""
SETUP = """
import sys
from quetz.config import Config
from quetz.database import get_session
from quetz.db_models import ApiKey, Identity, Profile, User
import uuid

config = Config("config.toml")
with get_session(config.sqlalchemy_database_url) as db:
    user = User(id=uuid.uuid4().bytes, username="alice", role="owner")
    user.identities.append(Identity(provider="dummy", identity_id="0", username="alice"))
    user.profile = Profile(name="Alice", avatar_url="/avatar.jpg")
    key_user = User(id=uuid.uuid4().bytes, role="owner")
    db.add_all([user, key_user])
    db.flush()
    db.add(ApiKey(key=sys.argv[1], description="tests", user=key_user, owner=user))
    db.commit()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    folder: Path


@pytest.fixture(scope="session")
def quetz_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    python = environment(tmp_path_factory, "quetz", QUETZ)
    with quetz(python, tmp_path_factory.mktemp("quetz")) as running:
        yield running


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    python = environment(tmp_path_factory, "moto", MOTO)
    with moto(python, tmp_path_factory.mktemp("moto")) as running:
        yield running


def environment(tmp_path_factory: pytest.TempPathFactory, name: str, requirements: tuple[str, ...]) -> Path:
    """Return the interpreter of a virtual environment with these requirements, made once a session."""

    def make(folder: Path) -> None:
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
        python = folder / "venv/bin/python"
        install = [str(uv), "pip", "install", "-q", "--compile-bytecode", "--python", str(python)]
        subprocess.run([*install, *requirements], check=True)

    return once(tmp_path_factory, name, make) / "venv/bin/python"


@contextmanager
def quetz(python: Path, folder: Path) -> Iterator[Running]:
    """Run quetz, without any channel; API_KEY may do everything."""
    command = [str(python), "-W", "ignore", str(python.with_name("quetz"))]
    deployment = folder / "deployment"
    _prepare([*command, "create", str(deployment), "--create-conf"], folder)
    _prepare([str(python), "-W", "ignore", "-c", SETUP, API_KEY], deployment)
    port = free_port()
    begin = [str(python), "-W", "ignore", "-c", START]
    start = [*begin, "start", str(deployment), "--port", str(port), "--log-level", "warning"]
    with serving(start, f"http://127.0.0.1:{port}", "/api/channels", folder) as running:
        yield running


@contextmanager
def moto(python: Path, folder: Path) -> Iterator[Running]:
    """Run moto's server, which speaks S3 among others."""
    port = free_port()
    start = [str(python.with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with serving(start, f"http://127.0.0.1:{port}", "/moto-api/", folder) as running:
        yield running


def _prepare(argv: list[str], folder: Path) -> None:
    subprocess.run(argv, cwd=folder, env=clean({}), check=True, capture_output=True)


@contextmanager
def serving(argv: list[str], url: str, probe: str, folder: Path) -> Iterator[Running]:
    """Run a server until the block ends; wait until it answers."""
    log = folder / "server.log"
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            argv, cwd=folder, env=clean({}), stdout=stream, stderr=stream, start_new_session=True
        ) as process,
    ):
        try:
            _wait(url + probe, process, log)
            yield Running(url=url, folder=folder)
        finally:
            # A server's own children would outlive it.
            os.killpg(process.pid, signal.SIGTERM)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server does not answer: {log.read_text()[-2000:]}")


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def clean(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what would reach into the server's own."""
    foreign = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PYTHONWARNINGS", "AWS_ACCESS_KEY_ID")
    return {**{key: value for key, value in os.environ.items() if key not in foreign}, **more}
