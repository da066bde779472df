"""A plugin of pytest that lists the files it collects, and imports none of them."""

from pathlib import Path

import pytest


class Unread(pytest.Module):
    """A test file whose tests are not looked for."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return []


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Unread:
    print(f"collected {module_path}")  # noqa: T201 - the listing is what the plugin is for
    return Unread.from_parent(parent, path=module_path)
