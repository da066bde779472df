import importlib.util
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowlock_core import masking
from servers.dask_parts import leave_dask_parts

# The task packages that the golden specs are made of.
sys.path.insert(0, str(Path(__file__).parent / "golden" / "specs" / "tasks"))

# It is absent where the tests of a single package run (`pixi run test-package`).
if importlib.util.find_spec("hypothesis"):
    from hypothesis import HealthCheck, settings

    # How fast this machine is at the moment is not what a property says.
    settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any-speed")

# A shell makes what it starts in the background (`make test &`) ignore interrupts, which tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="write golden files instead of comparing")


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that a test or an engine leaves behind, results neither, outlives the session."""
    # pytest's own folder is chosen before.
    tmp_path_factory.getbasetemp()
    with tempfile.TemporaryDirectory(prefix="flowlock-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        patch.setenv("TMPDIR", folder)
        patch.setenv("FLOWLOCK_CACHE_DIR", str(Path(folder) / "results"))
        yield


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process masks the secrets of its connections until it ends; a test starts with none."""
    monkeypatch.setattr(masking, "_known", set())


@pytest.fixture
def refresh_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--refresh-golden"))


@pytest.fixture(scope="module", autouse=True)
def _without_dask_afterwards() -> Iterator[None]:
    """Take the packages of Dask off the path again when the tests of a module have ended."""
    yield
    leave_dask_parts()
