"""What the tests of flowlock-dagster need: Dagster, which `make test-parts` installs."""

import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servers.objects import object_store, running_object_store
from servers.parts import allow_deprecations, use_parts

if TYPE_CHECKING:
    import dagster as dg

__all__ = ["object_store", "running_object_store"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allow what Dagster uses of others and will have to change."""
    allow_deprecations(items, HERE)


@pytest.fixture(scope="module", autouse=True)
def _with_dagster() -> Iterator[None]:
    use_parts("dagster", "dagster")
    with pytest.MonkeyPatch.context() as patch:
        # The key of the pseudonyms of `wages`.
        patch.setenv("FLOWLOCK_CONNECTIONS__KEY__WAGES__ID", "2026-11")
        secret = b64encode(bytes(range(64))).decode()
        patch.setenv("FLOWLOCK_CONNECTIONS__KEY__WAGES__SECRET", secret)
        yield


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["dg.DagsterInstance"]:
    """A Dagster instance of the test's own, with SQLite."""
    import dagster as dg

    # A space and a non-ASCII letter, because users' folders have them.
    home = tmp_path / "home é"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    # The processes of steps are started by one that does not know what else this one can import.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    with dg.DagsterInstance.local_temp(str(home), {"telemetry": {"enabled": False}}) as instance:
        yield instance
