"""An OCI image layout: a folder with an image, what is attached to it, and all their blobs."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from flowlock.edges import files, shapes
from flowlock.errors import FlowlockError
from flowlock.image import oci

MARK, VERSION = "oci-layout", "1.0.0"
INDEX = "index.json"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A layout on disk: `image` is its image, `attached` are the manifests that refer to that."""

    folder: Path
    image: oci.Descriptor
    attached: tuple[oci.Descriptor, ...] = ()

    def blob(self, digest: str) -> Path:
        """Return where a blob is."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def manifest(self, described: oci.Descriptor) -> oci.ManifestText:
        """Return a manifest of the layout."""
        return self._document(oci.ManifestText, described)

    def images(self) -> list[oci.Descriptor]:
        """Return the manifests of its image: one for each platform."""
        if self.image.media_type != oci.INDEX:
            return [self.image]
        return [entry.descriptor() for entry in self.index(self.image).manifests]

    def index(self, described: oci.Descriptor) -> oci.IndexText:
        """Return an index of the layout."""
        return self._document(oci.IndexText, described)

    def _document(self, kind: type[T], described: oci.Descriptor) -> T:
        data = files.read_bytes(self.blob(described.digest))
        return shapes.parsed(kind, data, what=f"the document {described.digest} of the image", code="FL907")


@dataclass(frozen=True, kw_only=True, slots=True)
class LayoutParts:
    """What a layout is written from: its image, called `name` in it, other documents, and files of blobs."""

    name: str
    image: oci.ImageDocument
    documents: tuple[oci.ImageDocument, ...]
    attached: tuple[oci.Descriptor, ...]
    blobs: tuple[Path, ...]


def write(folder: Path, parts: LayoutParts) -> Layout:
    """Write a layout, whole or not at all; blobs become links to where they are."""
    with files.staged_folder(folder) as staging:
        sha256 = staging / "blobs" / "sha256"
        sha256.mkdir(parents=True)
        for path in parts.blobs:
            files.link(path, sha256 / path.name)
        for written in (parts.image, *parts.documents):
            target = sha256 / written.descriptor.digest.removeprefix("sha256:")
            if not target.exists():
                files.write_bytes(target, written.data)
        named = replace(parts.image.descriptor, annotations={oci.REF_NAME: parts.name})
        listed = [described.as_json() for described in (named, *parts.attached)]
        index = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": listed}
        files.write_text(staging / INDEX, json.dumps(index, sort_keys=True, indent=2) + "\n")
        files.write_text(staging / MARK, json.dumps({"imageLayoutVersion": VERSION}) + "\n")
    return Layout(folder=folder, image=parts.image.descriptor, attached=parts.attached)


def read(folder: Path) -> Layout:
    """Return the layout in a folder that `write` made; any other folder is an error."""
    path = folder / INDEX
    if not (folder / MARK).is_file() or not path.is_file():
        raise FlowlockError(
            f"{folder} has no image",
            code="FL907",
            hint="run `flowlock image build`",
        )
    index = shapes.parsed(oci.IndexText, files.read_bytes(path), what=f"{path}", code="FL907")
    if not index.manifests:
        raise FlowlockError(f"{folder} has no image", code="FL907", hint="run `flowlock image build`")
    image, *attached = (described.descriptor() for described in index.manifests)
    return Layout(folder=folder, image=image, attached=tuple(attached))
