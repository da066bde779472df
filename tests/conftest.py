import importlib.util
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowlock_core import masking
from servers.parts import restore_search_path

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
    """A process masks its secrets until it ends; those of a test are forgotten: all tests have thousands."""
    monkeypatch.setattr(masking, "_known", set())
    # Where flowlock-core is tested alone, there is none.
    secret = sys.modules.get("flowlock.edges.secret")
    if secret is not None:
        monkeypatch.setattr(secret, "_known", set(secret._known))


@pytest.fixture(autouse=True)
def _modules_with_files() -> Iterator[None]:
    """No module that a test has imported outlives its file: the code of a task is identified by it."""
    before = set(sys.modules)
    yield
    for name in sys.modules.keys() - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and not Path(file).exists():
            del sys.modules[name]


@pytest.fixture
def refresh_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--refresh-golden"))


@pytest.fixture(scope="session", autouse=True)
def _search_path() -> tuple[str, ...]:
    """Where modules are searched before the first test."""
    return tuple(sys.path)


@pytest.fixture(scope="module", autouse=True)
def _search_path_afterwards(_search_path: tuple[str, ...]) -> Iterator[None]:
    """Take what the tests of a module have put on the path off again: what is installed keys caches."""
    yield
    restore_search_path(_search_path)
