"""The layers of images that were made: which image has which, and so for which locks they are kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from flowlock.conda.records import Record
from flowlock.edges import files, memo
from flowlock.edges.memo import digest_of
from flowlock.image import oci
from flowlock.image.layers import KeptLayer, LayerCache

IMAGES = "images"


class KeptImage(BaseModel):
    """The layers of an environment that was installed for an image.

    `name` is the package of the workflow, `pins` the digest of what the lock pins. `keys` has the key and the
    title of each layer, `base` the digests of the blobs of the base image, `host` the path and the digest of
    each library of this machine.
    """

    name: str
    pins: str
    keys: list[tuple[str, str]]
    base: list[str]
    host: dict[str, tuple[str, str]]
    glibc: str


def digest_of_pins(records: Iterable[Record]) -> str:
    """Return the digest of what a lock pins for an environment and a platform."""
    return digest_of(sorted((record.url, record.sha256) for record in records))


def image_file(cache: LayerCache, key: str) -> Path:
    """Return where it is written which layers follow from these inputs of an image."""
    return cache.folder / IMAGES / f"{key}.json"


def layers_of(cache: LayerCache, known: KeptImage | None) -> tuple[list[oci.Layer], str] | None:
    """Return the layers that are known to follow from the same pins, None unless all are kept.

    A library of this machine that was updated since makes another base.
    """
    if known is None:
        return None
    for source, digest in known.host.values():
        if not Path(source).is_file() or files.sha256_of(Path(source)) != digest:
            return None
    found = [cache.find(key, title) for key, title in known.keys]
    layers = [layer for layer in found if layer is not None]
    return (layers, known.glibc) if len(layers) == len(found) else None


@dataclass(kw_only=True, slots=True)
class CachedPart:
    """A part of the cache of layers, and the digests of the pins of all images that have it."""

    kind: str
    name: str
    paths: list[Path] = field(default_factory=list)
    pins: set[str] = field(default_factory=set)


def cached_parts(cache: LayerCache) -> Iterator[CachedPart]:
    """Yield what the cache has: notes of images, layers and blobs of base images, and what is of neither."""
    layers: dict[str, CachedPart] = {}
    blobs: dict[str, CachedPart] = {}
    for path in sorted((cache.folder / IMAGES).glob("*.json")):
        image = memo.read(path, KeptImage)
        if image is None:
            yield CachedPart(kind="image", name=path.stem, paths=[path])
        else:
            yield CachedPart(kind="image", name=image.name, paths=[path], pins={image.pins})
            _note_use(image, layers, blobs)
    _note_files(cache, layers, blobs)
    yield from (part for part in blobs.values() if part.paths)
    for path in sorted(cache.incoming()):
        yield CachedPart(kind="layer", name=path.name, paths=[path])


def _note_use(image: KeptImage, layers: dict[str, CachedPart], blobs: dict[str, CachedPart]) -> None:
    """Add an image to those that have its layers, by their keys, and its base's blobs, by their digests."""
    for key, title in image.keys:
        layers.setdefault(key, CachedPart(kind="layer", name=title)).pins.add(image.pins)
    for digest in image.base:
        blobs.setdefault(digest, CachedPart(kind="layer", name="base image")).pins.add(image.pins)


def _note_files(cache: LayerCache, layers: Mapping[str, CachedPart], blobs: dict[str, CachedPart]) -> None:
    """Add each file of the cache to the part that it is of, by the digest of its blob."""
    for path in sorted(cache.facts()):
        part = layers.get(path.stem, CachedPart(kind="layer", name=path.stem))
        made = memo.read(path, KeptLayer)
        # Two keys may have led to the same bytes.
        kept = blobs.setdefault(made.digest if made else path.stem, part)
        kept.paths.append(path)
        kept.pins |= part.pins
    for path in sorted(cache.blobs()):
        digest = f"sha256:{path.name}"
        blobs.setdefault(digest, CachedPart(kind="layer", name=path.name)).paths.append(path)
