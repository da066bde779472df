"""Push an image: what the registry lacks, the tag last, and never over another image."""

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from flowlock.edges import shapes
from flowlock.edges.amounts import bytes_text
from flowlock.edges.pool import concurrently
from flowlock.edges.registry import ImageRepository
from flowlock.image import oci
from flowlock.image.layout import Layout
from flowlock.report.reporter import Progress

ACCEPT = ", ".join((*oci.MANIFESTS, *oci.INDEXES))
AT_ONCE = 4
# Which repository of a registry has a blob, by the blob's digest: the registry can take it from there.
Known = MutableMapping[str, str]


class PushStatus(StrEnum):
    """How a push ended, in the words of a publish."""

    UPLOADED = "uploaded"
    PRESENT = "present"
    CONFLICT = "conflict"


@dataclass(frozen=True, kw_only=True, slots=True)
class PushOutcome:
    """How a push ended: what the tag stands for now, and the blobs that were sent, in number and bytes."""

    status: PushStatus
    digest: str
    sent: int = 0
    sent_bytes: int = 0
    mounted: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """What became of one blob: the bytes that were sent, and whether another repository had it."""

    bytes: int = 0
    mounted: bool = False


def push(
    layout: Layout, repository: ImageRepository, tag: str, *, known: Known, progress: Progress
) -> PushOutcome:
    """Push an image and what is attached to it; a tag that stands for another image is a conflict.

    The tag is written last, so that it is absent or right whenever a push ends. What an earlier push sent is
    not sent again.
    """
    before = repository.digest(tag, ACCEPT)
    if before not in (None, layout.image.digest):
        return PushOutcome(status=PushStatus.CONFLICT, digest=str(before))
    sent = _send_all(layout, repository, known, progress)
    _attach(layout, repository)
    # Another push may have ended since.
    served = repository.digest(tag, ACCEPT)
    if served is None:
        _put(layout, repository, layout.image, tag)
        served = repository.digest(tag, ACCEPT)
    if served != layout.image.digest:
        return PushOutcome(status=PushStatus.CONFLICT, digest=str(served))
    return PushOutcome(
        status=PushStatus.UPLOADED if before is None else PushStatus.PRESENT,
        digest=layout.image.digest,
        sent=sum(one.bytes > 0 for one in sent),
        sent_bytes=sum(one.bytes for one in sent),
        mounted=sum(one.mounted for one in sent),
    )


def _send_all(layout: Layout, repository: ImageRepository, known: Known, progress: Progress) -> list["_Sent"]:
    """Send the blobs and manifests that the repository lacks: first what others refer to."""
    manifests = [*layout.images(), *layout.attached]
    lacking = [one for one in manifests if repository.digest(one.digest, ACCEPT) is None]
    blobs: dict[str, oci.Descriptor] = {}
    for manifest in lacking:
        blobs |= {blob.digest: blob for blob in _blobs(layout, manifest)}
    send = partial(_send, layout, repository, known, progress)
    sent = concurrently(send, blobs.values(), workers=AT_ONCE)
    for manifest in lacking:
        _put(layout, repository, manifest, manifest.digest)
    return sent


def _blobs(layout: Layout, manifest: oci.Descriptor) -> Iterator[oci.Descriptor]:
    document = layout.manifest(manifest)
    for entry in (document.config, *document.layers):
        yield entry.descriptor()


def _send(
    layout: Layout, repository: ImageRepository, known: Known, progress: Progress, blob: oci.Descriptor
) -> _Sent:
    """Let the repository have a blob: it has it already, or takes it from another one, or it is sent."""
    name = repository.name.repository
    sent = _Sent()
    if not repository.has_blob(blob.digest):
        source = known.get(blob.digest, name)
        if source != name and repository.mount(blob.digest, source):
            sent = _Sent(mounted=True)
        else:
            title = blob.annotations.get(oci.TITLE, blob.digest)
            progress.working(f"pushing {title}, {bytes_text(blob.size)}")
            repository.upload(layout.blob(blob.digest), blob.digest)
            sent = _Sent(bytes=blob.size)
    known[blob.digest] = name
    return sent


def _put(layout: Layout, repository: ImageRepository, manifest: oci.Descriptor, reference: str) -> None:
    data = layout.blob(manifest.digest).read_bytes()
    repository.put_manifest(reference, data, manifest.media_type)


def _attach(layout: Layout, repository: ImageRepository) -> None:
    """List what is attached to each image where the registry does not do so (referrers tag schema)."""
    by_subject: dict[str, list[oci.Descriptor]] = {}
    for described in layout.attached:
        subject = layout.manifest(described).subject
        if subject is not None:
            by_subject.setdefault(subject.digest, []).append(described)
    for digest, attached in by_subject.items():
        if repository.lists_referrers(digest):
            continue
        tag = digest.replace(":", "-")
        listed = _listed(repository, tag)
        present = {entry.digest for entry in listed}
        missing = [described for described in attached if described.digest not in present]
        if missing:
            index = oci.image_index([*listed, *missing], {})
            repository.put_manifest(tag, index.data, oci.INDEX)


def _listed(repository: ImageRepository, tag: str) -> list[oci.Descriptor]:
    served = repository.manifest(tag, oci.INDEX)
    if served is None:
        return []
    what = f"the list {tag} of {repository.name}"
    index = shapes.parsed(oci.IndexText, served.data, what=what, code="FL915")
    return [entry.descriptor() for entry in index.manifests]
