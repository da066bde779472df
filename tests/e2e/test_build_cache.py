"""`cache ls` and `cache gc`: what neither a lock nor a current build needs goes, and nothing else."""

import pytest

from flowlock.commands import cache as caches
from flowlock.commands.session import Profile, Session
from flowlock.edges import files, memo
from flowlock.errors import FlowlockError
from flowlock.image.kept import KeptImage, digest_of_pins, image_file
from flowlock.image.layers import LayerCache, TarEntry
from flowlock.lock.lockfile import document
from flowlock.report.reporter import Silent
from flowlock.workspace import load
from images import EPOCH
from small import Small

PINNED = """version: 7
platforms:
- name: linux-64
environments:
  default:
    channels:
    - url: https://example.org/small/
    packages:
      linux-64:
      - conda: https://example.org/small/noarch/{file}
packages:
- conda: https://example.org/small/noarch/{file}
  sha256: {sha256}
"""


@pytest.fixture
def session(small: Small) -> Session:
    small.add_data("alpha")
    return Session(workspace=load(small.root), profile=Profile.CONDA_FORGE, offline=True, progress=Silent())


def artifacts(small: Small) -> set[str]:
    return {path.name for path in small.state.artifacts.glob("*.conda")}


def edit_and_build(small: Small, text: str) -> str:
    (small.root / "src/alpha/data.txt").write_text(text)
    return small.build().packages[0].artifact.file


def test_gc_keeps_current_builds_and_what_locks_pin(small: Small, session: Session) -> None:
    pinned = edit_and_build(small, "x = 1\n")
    idle = edit_and_build(small, "x = 2\n")
    now = edit_and_build(small, "x = 3\n")
    lock = small.root / "examples/one/pixi.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(PINNED.format(file=pinned, sha256="0" * 64))
    shown = {entry.name: entry.needed_by for entry in caches.ls(session).entries if entry.kind == "artifact"}
    assert shown == {
        pinned.removesuffix(".conda"): "examples/one/pixi.lock",
        idle.removesuffix(".conda"): "",
        now.removesuffix(".conda"): "current builds",
    }
    foreseen = caches.gc(session, dry_run=True)
    assert artifacts(small) == {pinned, idle, now}
    done = caches.gc(session, dry_run=False)
    assert done.entries == foreseen.entries
    assert idle.removesuffix(".conda") in done.as_text()
    assert artifacts(small) == {pinned, now}
    assert not list(small.state.artifacts.glob(f"{idle.removesuffix('.conda')}*"))
    assert caches.gc(session, dry_run=True).entries == ()
    assert small.build().current


def test_unpacked_packages_and_wheels_that_nothing_is_made_of_go(small: Small, session: Session) -> None:
    state = small.state.path
    wheel = "cache/wheels/abc/old-1-py3-none-any.whl"
    for path in ("workers/packages/pkgs/old-1-0/file", "cache/pkgs/old-2-0/file", wheel):
        (state / path).parent.mkdir(parents=True)
        (state / path).write_text("x" * 100)
    (state / "cache/pkgs/old-2-0.lock").touch()
    done = caches.gc(session, dry_run=False)
    assert [(entry.kind, entry.name) for entry in done.entries] == [
        ("unpacked", "old-1-0"),
        ("unpacked", "old-2-0"),
        ("wheel", "old-1-py3-none-any.whl"),
    ]
    assert not list(state.rglob("old-*"))


def test_layers_of_images_are_kept_for_the_lock_that_they_were_made_from(
    small: Small, session: Session
) -> None:
    lock = small.root / "examples/one/pixi.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(PINNED.format(file="one-1.0-0.conda", sha256="0" * 64))
    locked = document.read(lock.read_text(), "pixi.lock").environments["default"].packages["linux-64"]
    layers = LayerCache(folder=small.state.image_layers)
    shared = ("shared", "numpy")
    for name, pins in (("now", digest_of_pins(locked)), ("old", "f" * 64)):
        for key, title in (shared, (name, f"{name} packages")):
            layers.add(key, title, [TarEntry(path=key, source=key.encode())], EPOCH)
        base = f"sha256:{name.encode().hex():0<64}"
        files.write_bytes(layers.blob(base), b"base")
        kept = KeptImage(
            name=name,
            pins=pins,
            keys=[shared, (name, f"{name} packages")],
            base=[base],
            host={},
            glibc="2.36",
        )
        memo.write(image_file(layers, name), kept.model_dump())
    files.write_bytes(layers.folder / "incoming" / "half", b"half a layer")
    files.write_bytes(image_file(layers, "damaged"), b"{")
    done = caches.gc(session, dry_run=False)
    assert sorted((entry.kind, entry.name) for entry in done.entries) == [
        ("image", "damaged"),
        ("image", "old"),
        ("layer", "base image"),
        ("layer", "half"),
        ("layer", "old packages"),
    ]
    left = [entry for entry in caches.ls(session).entries if entry.kind in {"image", "layer"}]
    assert sorted(entry.name for entry in left) == ["base image", "now", "now packages", "numpy"]
    assert {entry.needed_by for entry in left} == {"examples/one/pixi.lock"}
    assert layers.find("old", "old packages") is None
    assert layers.find("now", "now packages") is not None
    assert not [path for path in layers.folder.rglob("*") if path.is_file() and "old" in path.name]


def test_a_lock_that_cannot_be_read_stops_it_all(small: Small, session: Session) -> None:
    edit_and_build(small, "x = 1\n")
    edit_and_build(small, "x = 2\n")
    before = artifacts(small)
    (small.root / "pixi.lock").write_text("<<<<<<< ours\n")
    with pytest.raises(FlowlockError, match="merge-conflict"):
        caches.gc(session, dry_run=False)
    assert artifacts(small) == before


def test_a_damaged_lock_of_the_state_folder_stops_nothing(small: Small, session: Session) -> None:
    idle = edit_and_build(small, "x = 1\n")
    now = edit_and_build(small, "x = 2\n")
    derived = small.state.build_lock
    derived.parent.mkdir()
    derived.write_text("a: [\n")
    assert {entry.needed_by for entry in caches.ls(session).entries if entry.kind == "artifact"} == {
        "",
        "current builds",
    }
    assert derived.read_text() == "a: [\n"
    caches.gc(session, dry_run=False)
    assert artifacts(small) == {now} != {idle}
    committed = small.root / "recipes/build.lock"
    derived.rename(committed)
    with pytest.raises(FlowlockError, match="cannot be read"):
        caches.ls(session)


def test_an_empty_cache_has_nothing_to_free(small: Small, session: Session) -> None:
    result = caches.gc(session, dry_run=False)
    assert (result.size, result.as_text()) == (0, "0 B freed")
    assert small.state.path.is_dir()
