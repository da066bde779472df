"""Images upon base images of a registry, for one platform and a made second one."""

import json
from pathlib import Path
from typing import Any

import pytest

from checkout import Checkout
from flowlock.edges.registry import ImageName, ImageRepository
from flowlock.image import oci
from flowlock.image.attachments import Origin
from flowlock.image.base import fetch
from flowlock.image.layers import LayerCache, TarEntry
from flowlock.image.layout import Layout, LayoutParts, write
from flowlock.image.push import push
from flowlock.names import Platform
from flowlock.report.reporter import Silent
from images import EPOCH
from servers.registry import Registry, open_registry

GLIBC = b"\x7fELF...GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"
OLD = GLIBC.replace(b"2.36.", b"2.17.")


def base_image(folder: Path, library: bytes) -> Layout:
    """Return a base image for two platforms, with a C library for each."""
    cache = LayerCache(folder=folder / "cache")
    documents: list[oci.ImageDocument] = []
    manifests, blobs = [], []
    origin = Origin(name="base", version="12", epoch=EPOCH, lock="", base={})
    for machine in ("amd64", "arm64"):
        path = f"usr/lib/{machine}/libc.so.6"
        layer = cache.add(machine, "base", [TarEntry(path=path, source=library + machine.encode())], EPOCH)
        platform = {"os": "linux", "architecture": machine}
        config = oci.image_config([layer], platform, {}, origin.created)
        manifest = oci.image_manifest(config, [layer], platform, {})
        documents += [config, manifest]
        manifests.append(manifest.descriptor)
        blobs.append(cache.blob(layer.blob.digest))
    parts = LayoutParts(
        name="12",
        image=oci.image_index(manifests, {}),
        documents=tuple(documents),
        attached=(),
        blobs=tuple(blobs),
    )
    return write(folder / "layout", parts)


def published(registry: Registry, layout: Layout) -> str:
    name = ImageName.parse(f"{registry.host}/base/debian")
    push(layout, ImageRepository(name, None), "12", known={}, progress=Silent())
    return f"{name}@{layout.image.digest}"


def test_a_base_image_is_fetched_by_its_digest_for_each_platform(tmp_path: Path) -> None:
    with open_registry(tmp_path / "registry") as registry:
        address = published(registry, base_image(tmp_path / "base", GLIBC))
        repository = ImageRepository(ImageName.parse(address), None)
        cache = LayerCache(folder=tmp_path / "cache")
        bases = [fetch(repository, Platform(name), cache) for name in ("linux-64", "linux-aarch64")]
    assert [base.glibc for base in bases] == ["2.36", "2.36"]
    digests = [base.layers[0].blob.digest for base in bases]
    assert len(set(digests)) == 2
    assert all(cache.holds(digest) for digest in digests)


@pytest.mark.parametrize(("library", "code"), [(GLIBC, ""), (OLD, "FL906"), (b"musl libc", "FL905")])
def test_an_image_is_built_upon_a_base_with_a_glibc_that_is_new_enough(
    image_checkout: Checkout, tmp_path: Path, library: bytes, code: str
) -> None:
    with open_registry(tmp_path / "registry") as registry:
        address = published(registry, base_image(tmp_path / "base", library))
        options = ("--base", address, "--output", str(tmp_path / "images"))
        done = image_checkout.flowlock("--json", "image", "build", "penguins", *options)
    if code:
        assert done.code == 1, done.out
        assert done.document["problems"][0]["code"] == code
        return
    assert done.code == 0, done.err
    labels = image_labels(Path(done.document["images"][0]["layout"]))
    assert labels["org.opencontainers.image.base.digest"] == address.partition("@")[2]
    assert labels["flowlock.glibc"] == "2.36"
    assert "flowlock.base" not in labels


def image_labels(folder: Path) -> dict[str, Any]:
    def blob(digest: str) -> Any:
        return json.loads((folder / "blobs" / digest.replace(":", "/")).read_bytes())

    index = json.loads((folder / "index.json").read_text())
    config = blob(blob(index["manifests"][0]["digest"])["config"]["digest"])
    labels: dict[str, Any] = config["config"]["Labels"]
    return labels
