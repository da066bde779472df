"""One synced copy of this repository a session, and cheap copies of it for tests that break things."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from base_workspace import base_workspace, environment, made_base
from checkout import Checkout, copy_repository, linked_copy
from repository import account, repository
from servers.objects import object_store, running_object_store
from servers.postgres import postgres_server, running_postgres
from servers.real import moto_server, quetz_server
from shared import once
from small import other_tools, small, tools

__all__ = [
    "account",
    "base_workspace",
    "checkout",
    "environment",
    "image_checkout",
    "made_base",
    "moto_server",
    "object_store",
    "other_tools",
    "postgres_server",
    "quetz_server",
    "repository",
    "running_object_store",
    "running_postgres",
    "small",
    "synced",
    "tagged",
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


@pytest.fixture(scope="session")
def image_checkout(synced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A synced checkout with the image of penguins, for tests that change nothing in it."""

    def make(folder: Path) -> None:
        made = linked_copy(synced, folder / "checkout")
        done = made.flowlock("image", "build", "penguins")
        assert done.code == 0, done.err

    return Checkout(root=once(tmp_path_factory, "image", make) / "checkout")


@pytest.fixture
def checkout(synced: Checkout, tmp_path: Path) -> Callable[[], Checkout]:
    """Make synced checkouts that a test may break: hard links, since every writer renames.

    They share the unpacked packages and their bytecode; a test that breaks those makes a folder of its own.
    """

    def make() -> Checkout:
        return linked_copy(synced, tmp_path / "a cöpy")

    return make


@pytest.fixture
def tagged(checkout: Callable[[], Checkout]) -> Checkout:
    """A synced checkout whose version is tagged."""
    made = checkout()
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    # With what the sync brought in step.
    for command in (
        ["add", "-A"],
        ["commit", "-q", "--allow-empty", "-m", "Synced"],
        ["tag", "-a", "-m", "Release", "v0.1.0"],
    ):
        subprocess.run([*git, *command], cwd=made.root, check=True)
    return made
