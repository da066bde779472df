"""What most tests of locks start from: a place for the lock, and other people's packages."""

from pathlib import Path

import pytest

from flowlock.lock.solver.sources import ChannelFolder
from unit.lock.universe import FORGE, channel, package

THIRD_PARTY = (
    package("python", "3.11.0"),
    package("python", "3.12.0"),
    package("numpy", "1.26.0", "python >=3.9"),
    package("numpy", "2.0.0", "python >=3.9"),
    package("unix-only", "1.0", "__unix"),
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "pixi.lock"


@pytest.fixture
def forge(tmp_path: Path) -> ChannelFolder:
    return channel(tmp_path / "forge", FORGE, THIRD_PARTY)
