"""The documents of OCI images (image specification 1.1): descriptors, manifests, indexes. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from flowlock.names import Platform

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
ZSTD_LAYER = f"{LAYER}+zstd"
EMPTY = "application/vnd.oci.empty.v1+json"
# What Docker calls the same documents.
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES = (INDEX, DOCKER_INDEX)
MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
REF_NAME = "org.opencontainers.image.ref.name"
TITLE = "org.opencontainers.image.title"
CREATED = "org.opencontainers.image.created"
_MACHINES = {"64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """What names a blob: its media type, digest (`sha256:…`) and size in bytes."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the descriptor as documents have it."""
        document: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.platform:
            document["platform"] = dict(self.platform)
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


class DescriptorText(BaseModel):
    """A descriptor as a document from elsewhere has it."""

    media_type: str = Field(alias="mediaType")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    size: int = Field(ge=0)
    annotations: dict[str, str] = {}
    platform: dict[str, Any] = {}
    artifact_type: str = Field(default="", alias="artifactType")

    def descriptor(self) -> Descriptor:
        """Return the descriptor, without what of a platform is not text."""
        platform = {name: value for name, value in self.platform.items() if isinstance(value, str)}
        return Descriptor(
            media_type=self.media_type,
            digest=self.digest,
            size=self.size,
            annotations=self.annotations,
            platform=platform,
            artifact_type=self.artifact_type,
        )


class ManifestText(BaseModel):
    """A manifest as a registry or a layout has it."""

    config: DescriptorText
    layers: list[DescriptorText]
    subject: DescriptorText | None = None


class IndexText(BaseModel):
    """An index as a registry or a layout has it."""

    manifests: list[DescriptorText]


class RootFileSystem(BaseModel):
    """The layers of an image, uncompressed."""

    diff_ids: list[str]


class ImageSettings(BaseModel):
    """How an image runs, of which only the labels are read."""

    labels: dict[str, str] = Field(default={}, alias="Labels")


class ConfigText(BaseModel):
    """What is read of an image's configuration."""

    rootfs: RootFileSystem
    config: ImageSettings = ImageSettings()


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A layer: its blob, the digest of its uncompressed bytes, and what is in it, for people."""

    blob: Descriptor
    diff_id: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageDocument:
    """A JSON document that is a blob of an image."""

    descriptor: Descriptor
    data: bytes


def digest_of_bytes(data: bytes) -> str:
    """Return a digest as descriptors have it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def document(media_type: str, content: Mapping[str, Any], **more: Any) -> ImageDocument:
    """Return a document of a media type; the same content gives the same bytes."""
    data = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    described = Descriptor(media_type=media_type, digest=digest_of_bytes(data), size=len(data), **more)
    return ImageDocument(descriptor=described, data=data)


def platform_of(subdir: Platform) -> dict[str, str]:
    """Return a conda subdir as an image's platform; a ValueError for one that no image is for."""
    system, _, machine = subdir.partition("-")
    if system != "linux" or machine not in _MACHINES:
        raise ValueError(f"images are made for linux-64 and linux-aarch64, not for {subdir}")
    return {"os": "linux", "architecture": _MACHINES[machine]}


def image_config(
    layers: Sequence[Layer], platform: Mapping[str, str], settings: Mapping[str, Any], created: str
) -> ImageDocument:
    """Return the configuration of an image: what runs, and the layers that it is made of."""
    content = {
        "created": created,
        **platform,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": created, "created_by": f"flowlock: {layer.title}"} for layer in layers],
    }
    return document(CONFIG, content)


def image_manifest(
    config: ImageDocument,
    layers: Sequence[Layer],
    platform: Mapping[str, str],
    annotations: Mapping[str, str],
) -> ImageDocument:
    """Return the manifest of an image for one platform."""
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor.as_json(),
        "layers": [layer.blob.as_json() for layer in layers],
        "annotations": dict(annotations),
    }
    return document(MANIFEST, content, platform=dict(platform))


def image_index(manifests: Sequence[Descriptor], annotations: Mapping[str, str]) -> ImageDocument:
    """Return the index of an image for several platforms."""
    content = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [manifest.as_json() for manifest in manifests],
        "annotations": dict(annotations),
    }
    return document(INDEX, content)


def attachment(media_type: str, data: bytes, subject: Descriptor, title: str) -> tuple[ImageDocument, ...]:
    """Return the documents of an artifact that refers to an image: its manifest first, then its blobs."""
    empty = document(EMPTY, {})
    body = ImageDocument(
        descriptor=Descriptor(
            media_type=media_type,
            digest=digest_of_bytes(data),
            size=len(data),
            annotations={TITLE: title},
        ),
        data=data,
    )
    about = Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size)
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": media_type,
        "config": empty.descriptor.as_json(),
        "layers": [body.descriptor.as_json()],
        "subject": about.as_json(),
    }
    return document(MANIFEST, content, artifact_type=media_type), empty, body
