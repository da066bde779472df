"""What the tests of flowlock-ext-ecoscope need: ecoscope, which `make test-parts` installs."""

from pathlib import Path

import pytest

from servers.parts import allow_deprecations, use_parts

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allow what ecoscope 1.7.3 uses of pandas and will have to change; users do not see these warnings."""
    allow_deprecations(items, HERE)


@pytest.fixture(scope="module", autouse=True)
def _with_ecoscope() -> None:
    use_parts("ecoscope", "ecoscope")
