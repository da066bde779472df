import importlib.util
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

# The task packages that the golden specs are made of.
sys.path.insert(0, str(Path(__file__).parent / "golden" / "specs" / "tasks"))

# It is absent where the tests of a single package run (`pixi run test-package`).
if importlib.util.find_spec("hypothesis"):
    from hypothesis import HealthCheck, settings

    # How fast this machine is at the moment is not what a property says.
    settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any-speed")

# No test keeps results in the home directory.
os.environ["FLOWLOCK_CACHE_DIR"] = tempfile.mkdtemp(prefix="flowlock-cache-")

# A shell makes what it starts in the background (`make test &`) ignore interrupts, which tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="write golden files instead of comparing")


@pytest.fixture
def refresh_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--refresh-golden"))
