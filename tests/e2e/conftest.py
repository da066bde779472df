"""One synced copy of this repository a session, and cheap copies of it for tests that break things."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from base_workspace import base_workspace, environment, made_base
from checkout import Checkout, copy_repository
from repository import account, repository
from servers.objects import object_store
from servers.postgres import postgres_server
from servers.real import moto_server, quetz_server
from shared import once
from small import other_tools, small, tools

__all__ = [
    "account",
    "base_workspace",
    "checkout",
    "environment",
    "made_base",
    "moto_server",
    "object_store",
    "other_tools",
    "postgres_server",
    "quetz_server",
    "repository",
    "small",
    "synced",
    "tools",
]


@pytest.fixture(scope="session")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A synced checkout that tests must not change."""

    def make(folder: Path) -> None:
        checkout = Checkout(root=folder / "checkout")
        checkout.root.mkdir()
        copy_repository(checkout.root)
        done = checkout.flowlock("-v", "sync")
        assert done.code == 0, done.err

    return Checkout(root=once(tmp_path_factory, "synced", make) / "checkout")


@pytest.fixture
def checkout(synced: Checkout, tmp_path: Path) -> Callable[[], Checkout]:
    """Make synced checkouts that a test may break: hard links, since every writer renames.

    They share the unpacked packages and their bytecode; a test that breaks those makes a folder of its own.
    """

    def make() -> Checkout:
        copy = Checkout(root=tmp_path / "a cöpy")
        shutil.copytree(synced.root, copy.root, copy_function=os.link, symlinks=True, ignore=_unless_copied)
        shared = (synced.state.unpacked_packages, synced.state.bytecode)
        for folder in shared:
            folder.mkdir(exist_ok=True)
            (copy.state.cache / folder.name).symlink_to(folder)
        return copy

    return make


def _unless_copied(folder: str, names: list[str]) -> list[str]:
    """Return what no copy gets: environments, whose paths are the checkout's, and what is shared."""
    left_out = {"cache": {"pkgs", "bytecode"}, ".flowlock": {"envs"}}.get(Path(folder).name, set())
    return [name for name in names if name in left_out]
