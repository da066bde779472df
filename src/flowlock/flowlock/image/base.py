"""Base images: fetched by digest, kept, and only with a C library that the packages can use."""

import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flowlock.edges import shapes
from flowlock.edges.registry import ImageName, ImageRepository
from flowlock.errors import FlowlockError
from flowlock.image import oci
from flowlock.image.host import LIBC, glibc_release
from flowlock.image.layers import LayerCache
from flowlock.names import Platform

MOST_LIBRARY = 64 * 2**20
ACCEPT = ", ".join((*oci.MANIFESTS, *oci.INDEXES))


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseImage:
    """An image that others are built upon: its layers for one platform, and the version of its glibc.

    `blobs` are the digests of all that was downloaded of it.
    """

    reference: str
    layers: tuple[oci.Layer, ...]
    blobs: tuple[str, ...]
    glibc: str

    @property
    def labels(self) -> dict[str, str]:
        """What images say of their base (OCI's annotations)."""
        name, _, digest = self.reference.partition("@")
        return {"org.opencontainers.image.base.name": name, "org.opencontainers.image.base.digest": digest}


def parsed(text: str) -> ImageName:
    """Return the address of a base image; one without a digest is refused, since a tag can be moved."""
    name = ImageName.parse(text)
    if not name.digest:
        raise FlowlockError(
            f"the base image `{text}` is not pinned by its digest",
            code="FL903",
            hint=f"write {name.host}/{name.repository}@sha256:… with the digest that "
            f"`skopeo inspect docker://{text}` prints",
        )
    return name


def fetch(repository: ImageRepository, platform: Platform, cache: LayerCache) -> BaseImage:
    """Return a base image for a platform, after its blobs are in the cache."""
    name = repository.name
    manifest = _manifest(repository, name.digest, platform)
    for blob in (manifest.config, *manifest.layers):
        if not cache.holds(blob.digest):
            repository.download(blob.digest, cache.blob(blob.digest))
    config = _parsed(oci.ConfigText, cache.blob(manifest.config.digest).read_bytes(), name)
    diff_ids = config.rootfs.diff_ids
    if len(diff_ids) != len(manifest.layers):
        raise _unusable(name, f"it has {len(manifest.layers)} layers, and digests of {len(diff_ids)}")
    layers = tuple(
        oci.Layer(
            blob=oci.Descriptor(media_type=_media_type(blob), digest=blob.digest, size=blob.size),
            diff_id=diff_id,
            title=f"base image {name.repository}",
        )
        for blob, diff_id in zip(manifest.layers, diff_ids, strict=True)
    )
    glibc = _glibc([cache.blob(layer.blob.digest) for layer in layers], name)
    return BaseImage(
        reference=f"{name.host}/{name.repository}@{name.digest}",
        layers=layers,
        blobs=tuple(blob.digest for blob in (manifest.config, *manifest.layers)),
        glibc=glibc,
    )


def _manifest(repository: ImageRepository, digest: str, platform: Platform) -> oci.ManifestText:
    """Return the manifest of an image, or of the image of an index that is for a platform."""
    name = repository.name
    served = repository.manifest(digest, ACCEPT)
    if served is None:
        raise _unusable(name, "the registry does not have it")
    if served.media_type in oci.INDEXES:
        index = _parsed(oci.IndexText, served.data, name)
        wanted = oci.platform_of(platform)
        chosen = [entry for entry in index.manifests if _is_for(entry.platform, wanted)]
        if not chosen:
            raise _unusable(name, f"it has no image for {platform}")
        return _manifest(repository, chosen[0].digest, platform)
    if served.media_type not in oci.MANIFESTS:
        raise _unusable(name, f"it is of the type {served.media_type!r:.80}")
    return _parsed(oci.ManifestText, served.data, name)


def _is_for(platform: Mapping[str, object], wanted: Mapping[str, str]) -> bool:
    return all(platform.get(key) == value for key, value in wanted.items())


def _media_type(blob: oci.DescriptorText) -> str:
    """Return a layer's media type as OCI manifests have it."""
    return f"{oci.LAYER}+gzip" if blob.media_type.endswith(".tar.gzip") else blob.media_type


def _parsed(kind: type[shapes.T], data: bytes, name: ImageName) -> shapes.T:
    return shapes.parsed(kind, data, what=f"a document of the base image {name}", code="FL903")


def _glibc(blobs: Sequence[Path], name: ImageName) -> str:
    """Return the version of the C library in the uppermost layer that has one."""
    for blob in reversed(blobs):
        with blob.open("rb") as stream:
            library = _library(stream, name)
        if library is not None:
            return glibc_release(library, f"{LIBC} of {name}")
    raise _unusable(name, f"it has no {LIBC}")


def _library(stream: BinaryIO, name: ImageName) -> bytes | None:
    """Return the C library that a layer has as a file; Debian's and others' have links to it, too."""
    try:
        with _opened(stream) as tar:
            for entry in tar:
                file = entry.name.rpartition("/")[2]
                is_library = file == LIBC or file.startswith("libc-2.")
                if is_library and entry.isfile() and entry.size <= MOST_LIBRARY:
                    content = tar.extractfile(entry)
                    return content.read() if content else None
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise _unusable(name, f"a layer cannot be read: {error}") from error
    return None


def _opened(stream: BinaryIO) -> tarfile.TarFile:
    """Return a layer as a tar: of zstd, which tarfile does not know everywhere, or of what it finds out."""
    import zstandard

    is_zstd = stream.read(4) == zstandard.FRAME_HEADER
    stream.seek(0)
    if is_zstd:
        return tarfile.open(fileobj=zstandard.ZstdDecompressor().stream_reader(stream), mode="r|")
    return tarfile.open(fileobj=stream, mode="r|*")


def _unusable(name: ImageName, why: str) -> FlowlockError:
    return FlowlockError(
        f"the base image {name} cannot be used: {why}",
        code="FL903",
        hint="check the address and the digest with `skopeo inspect`",
    )
