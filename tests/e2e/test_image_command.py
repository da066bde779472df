"""`flowlock image push` as users run it: tags, changed trees, and credentials that are found nowhere."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import Checkout, Outcome
from servers.registry import PASSWORD, USER, Registry, open_registry, token_registry

PLANTED_IN_REMOTE = "ghp-planted-in-the-remote-1f2e3d"
PLANTED_IN_ENVIRONMENT = "planted-in-the-environment-9a8b7c"


@pytest.fixture
def pushing(image_checkout: Checkout, checkout: Callable[[], Checkout]) -> Checkout:
    """A checkout with the layers of the image of penguins, whose files no other test sees."""
    made = checkout()
    # Links to files, not to the folder: what is made here is not in the other cache.
    shutil.copytree(image_checkout.state.image_layers, made.state.image_layers, copy_function=os.link)
    return made


def push(checkout: Checkout, registry: Registry, *options: str, **variables: str) -> Outcome:
    to = f"{registry.host}/octo/penguins"
    return checkout.flowlock(
        "--json", "-v", "image", "push", "penguins", "--to", to, *options, cwd=None, **variables
    )


def commit_of(checkout: Checkout) -> str:
    command = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(command, cwd=checkout.root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_push_is_tagged_by_the_commit_or_the_release_and_never_latest(
    pushing: Checkout, tmp_path: Path
) -> None:
    with open_registry(tmp_path / "registry") as registry:
        refused = push(pushing, registry, "--tag", "latest")
        assert refused.document["problems"][0]["code"] == "FL920"
        first = push(pushing, registry)
        assert first.code == 0, first.err
        assert first.document["status"] == "uploaded"
        commit = commit_of(pushing)
        assert first.document["image"].endswith(f":{commit}")
        assert push(pushing, registry).document["status"] == "present"
        subprocess.run(["git", "tag", "v0.1.0"], cwd=pushing.root, check=True)
        assert push(pushing, registry).document["image"].endswith(":0.1.0")
        assert registry.tags("octo/penguins") == {
            "0.1.0": first.document["digest"],
            commit: first.document["digest"],
            first.document["digest"].replace(":", "-"): registry.tags("octo/penguins")[
                first.document["digest"].replace(":", "-")
            ],
        }
        spec = pushing.root / "examples/penguins/spec.yaml"
        text = spec.read_text()
        # The file is a link to that of other checkouts.
        spec.unlink()
        spec.write_text(text.replace("title:", "title: Edited,", 1))
        pushing.stages("penguins")
        dirty = push(pushing, registry)
        assert dirty.document["problems"][0]["code"] == "FL921"
        commit_all = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qam", "Edit"]
        subprocess.run(commit_all, cwd=pushing.root, check=True)
        edited = push(pushing, registry)
        assert edited.code == 0, edited.err
        assert edited.document["status"] == "uploaded"
        assert edited.document["digest"] != first.document["digest"]
        assert 0 < edited.document["sent_bytes"] < 1_000_000
        subprocess.run(["git", "tag", "-f", "v0.1.0"], cwd=pushing.root, check=True)
        moved = push(pushing, registry)
        assert moved.code == 1
        assert moved.document["status"] == "conflict"
        assert moved.document["served"] == first.document["digest"]
        assert registry.tags("octo/penguins")["0.1.0"] == first.document["digest"]


def test_planted_credentials_are_found_neither_in_images_nor_in_output_nor_in_the_state(
    pushing: Checkout, tmp_path: Path
) -> None:
    remote = f"https://ada:{PLANTED_IN_REMOTE}@git.example.org/octo/flow.git"
    subprocess.run(["git", "remote", "add", "origin", remote], cwd=pushing.root, check=True)
    planted = {
        "CLOUD_API_KEY": PLANTED_IN_ENVIRONMENT,
        "REGISTRY_USERNAME": USER,
        "REGISTRY_PASSWORD": PASSWORD,
    }
    with token_registry(tmp_path / "registry") as registry:
        done = push(pushing, registry, **planted)
        assert done.code == 0, done.err
        secrets = [PASSWORD, PLANTED_IN_REMOTE, PLANTED_IN_ENVIRONMENT, *registry.issued]
        assert registry.issued
        stored = [path for path in (registry.folder / "storage").rglob("data") if path.is_file()]
    shown = done.out + done.err
    assert not [secret for secret in secrets if secret in shown]
    kept = [path for path in pushing.state.image("penguins").rglob("*") if path.is_file()]
    kept += [path for path in pushing.state.image_layers.rglob("*.json") if path.is_file()]
    assert len(stored) > 10
    assert len(kept) > 10
    for path in (*kept, *stored):
        data = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in data], path
    label = b"https://git.example.org/octo/flow"
    assert any(label in path.read_bytes() for path in kept if path.stat().st_size < 100_000)
