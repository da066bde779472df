"""A PostgreSQL server of Debian's package, with one database, on loopback; and packages of `.parts`."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers.parts import use_parts
from servers.real import free_port
from shared import ROOT, require_part

# It refuses to run as root; Debian's package brings this user.
USER = "postgres"
PARTS = ROOT / ".parts/connections"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresServer:
    """A server that answers, and the password of its user `ada`."""

    port: int
    password: str
    folder: Path

    def variables(self, name: str = "main") -> dict[str, str]:
        """Return the environment variables of a connection to its database."""
        settings = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATABASE": "rivers",
            "USER": "ada",
            "PASSWORD": self.password,
        }
        prefix = f"FLOWLOCK_CONNECTIONS__POSTGRES__{name.upper()}__"
        return {f"{prefix}{setting}": value for setting, value in settings.items()}

    def sql(self, text: str, **variables: object) -> str:
        """Run SQL as its superuser, through psql, with the values of `:name` in it."""
        command = [str(_binary("psql")), "-h", "127.0.0.1", "-p", str(self.port), "-U", "ada"]
        values = [f"--set={name}={value}" for name, value in variables.items()]
        done = subprocess.run(
            # From stdin, where psql puts values in.
            [*command, "-d", "rivers", "-v", "ON_ERROR_STOP=1", *values, "-qAt"],
            input=text,
            env={**os.environ, "PGPASSWORD": self.password},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


def use_connection_parts() -> None:
    """Let this process import what `make test-parts` has installed, where it has nothing itself."""
    for module in ("adbc_driver_postgresql", "obstore", "moto"):
        use_parts("connections", module)


@pytest.fixture(scope="session")
def running_postgres() -> Iterator[PostgresServer]:
    use_connection_parts()
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def postgres_server(running_postgres: PostgresServer) -> PostgresServer:
    """The server of the session, with its driver for the tests of a module."""
    use_connection_parts()
    return running_postgres


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """Run a server until the block ends."""
    for program in ("initdb", "postgres", "psql"):
        require_part(found=_binary(program) is not None, part="PostgreSQL")
    # Below the folder of pytest, another user could not reach it; a socket's path must be short, too.
    with tempfile.TemporaryDirectory(prefix="flowlock-pg-", dir="/tmp") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        password = f"Zq9/x'{secrets.token_urlsafe(12)}\\ ä"
        _initialise(folder, password)
        port = free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder),
            "fsync": "off",
        }
        settings = [f"--{key}={value}" for key, value in options.items()]
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [*_as_user(), str(_binary("postgres")), "-D", str(folder / "data"), *settings],
                cwd=folder,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                server = PostgresServer(port=port, password=password, folder=folder)
                _wait(server, process)
                yield server
            finally:
                process.terminate()
                process.wait(timeout=30)


def _initialise(folder: Path, password: str) -> None:
    file = folder / "password"
    file.write_text(password)
    if os.geteuid() == 0:
        shutil.chown(file, USER, USER)
    command = [str(_binary("initdb")), "-D", str(folder / "data"), "-U", "ada", "-A", "scram-sha-256"]
    more = ["--pwfile", str(file), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run([*_as_user(), *command, *more], cwd=folder, check=True, capture_output=True)


def _as_user() -> list[str]:
    """Return the beginning of a command that must not run as root; it ends with this process."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--pdeathsig=TERM"]


def _binary(name: str) -> Path | None:
    """Return a program of the newest version that Debian's package has installed, or one on the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    for folder in reversed(folders):
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


def _wait(server: PostgresServer, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    command = [str(_binary("psql")), "-h", "127.0.0.1", "-p", str(server.port), "-U", "ada", "-d", "postgres"]
    environment = {**os.environ, "PGPASSWORD": server.password}
    while time.monotonic() < until and process.poll() is None:
        done = subprocess.run(
            [*command, "-qc", "CREATE DATABASE rivers"], env=environment, check=False, capture_output=True
        )
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError((server.folder / "log").read_text()[-2000:])
