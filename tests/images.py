"""Small images of a few made files, for tests of registries, and what is in any image."""

import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from flowlock.image import attachments, oci
from flowlock.image.attachments import Contents, Origin
from flowlock.image.layers import LayerCache, TarEntry
from flowlock.image.layout import Layout, LayoutParts, write

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
PLATFORMS = {"linux-64": "amd64", "linux-aarch64": "arm64"}


def documents(layout: Layout) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the manifest and the configuration of an image of one platform."""
    manifest = json.loads(layout.blob(layout.image.digest).read_bytes())
    return manifest, json.loads(layout.blob(manifest["config"]["digest"]).read_bytes())


def files_of(layout: Layout, *, but_of: Layout | None = None) -> Iterator[tuple[str, str, bytes]]:
    """Yield the title of the layer, the path and the content of every file of an image."""
    for title, entry, content in entries_of(layout, but_of=but_of):
        yield title, entry.name, content


def entries_of(
    layout: Layout, *, but_of: Layout | None = None
) -> Iterator[tuple[str, tarfile.TarInfo, bytes]]:
    """Yield the title of the layer, the entry and the content of everything in an image; of a link its end.

    Layers that another image has too are left out, as they have the same bytes.
    """
    manifest, _ = documents(layout)
    for layer in manifest["layers"]:
        if but_of is not None and but_of.blob(layer["digest"]).is_file():
            continue
        with layout.blob(layer["digest"]).open("rb") as stream:
            raw = zstandard.ZstdDecompressor().stream_reader(stream)
            with tarfile.open(fileobj=raw, mode="r|") as tar:
                for entry in tar:
                    content = tar.extractfile(entry) if entry.isfile() else None
                    title = layer["annotations"]["org.opencontainers.image.title"]
                    yield title, entry, content.read() if content else entry.linkname.encode()


def small_image(
    folder: Path, contents: dict[str, bytes], *, platforms: int = 1, revision: str = ""
) -> Layout:
    """Return an image with a layer for each content, for one platform or two, with what is attached to it."""
    cache = LayerCache(folder=folder / "cache")
    layers = [
        cache.add(f"{name}-{number}", name, [TarEntry(path=f"opt/{name}", source=content)], EPOCH)
        for number, (name, content) in enumerate(contents.items())
    ]
    origin = Origin(
        name="flowlock-birds-workflow", version="1.0", epoch=EPOCH, lock="ab" * 32, base={}, revision=revision
    )
    documents: list[oci.ImageDocument] = []
    manifests, attached = [], []
    for machine in list(PLATFORMS.values())[:platforms]:
        platform = {"os": "linux", "architecture": machine}
        config = oci.image_config(layers, platform, {"Labels": origin.labels}, origin.created)
        manifest = oci.image_manifest(config, layers, platform, origin.labels)
        sbom = attachments.sbom(origin, Contents(image=manifest.descriptor))
        refers, *rest = oci.attachment(attachments.SBOM, sbom, manifest.descriptor, "sbom.cdx.json")
        documents += [config, manifest, refers, *rest]
        manifests.append(manifest)
        attached.append(refers.descriptor)
    image = manifests[0]
    if platforms > 1:
        image = oci.image_index([manifest.descriptor for manifest in manifests], origin.labels)
    blobs = tuple(cache.blob(layer.blob.digest) for layer in layers)
    parts = LayoutParts(
        name="1.0", image=image, documents=tuple(documents), attached=tuple(attached), blobs=blobs
    )
    return write(folder / "layout", parts)
