"""Make the image of an environment: from a lock, without a daemon, the same bytes on every machine."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from flowlock.conda.records import Record
from flowlock.conda.virtual import DEFAULTS
from flowlock.edges import memo
from flowlock.edges.memo import digest_of
from flowlock.edges.pool import concurrently
from flowlock.errors import FlowlockError
from flowlock.image import attachments, host, installed, layout, oci
from flowlock.image.attachments import Contents, Origin
from flowlock.image.base import BaseImage
from flowlock.image.grouping import grouped
from flowlock.image.kept import KeptImage, digest_of_pins, image_file, layers_of
from flowlock.image.layers import LayerCache, TarEntry
from flowlock.lock.lockfile.document import Lock
from flowlock.names import Platform
from flowlock.report.reporter import Progress
from flowlock.running import environment as environments
from flowlock.running.environment import EnvironmentFolders

# Raised when images are made in another way than before.
SCHEMA = 4
BUILDER = "flowlock"
HOST_LABEL = "flowlock.base"
USER = f"{host.USER}:{host.USER}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRequest:
    """What an image is made from.

    `own_channel` has the packages of the workspace. Without `base`, an image has the libraries of this
    machine that its environment loads. `origin` describes it; its lock and base are filled in.
    """

    lock_file: Path
    environment: str
    platforms: tuple[Platform, ...]
    own_channel: str
    origin: Origin
    folders: EnvironmentFolders
    cache: LayerCache
    base: Callable[[Platform], BaseImage] | None = None
    bytecode: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltImage:
    """An image on disk; `made` counts the layers that were not there before."""

    layout: layout.Layout
    layers: int
    size: int
    made: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _PlatformImage:
    """The image of one platform, and the documents that belong to it."""

    manifest: oci.ImageDocument
    config: oci.ImageDocument
    layers: tuple[oci.Layer, ...]
    origin: Origin
    records: tuple[Record, ...]
    made: int


def build(request: ImageRequest, folder: Path, progress: Progress) -> BuiltImage:
    """Write the image of a lock as an OCI layout, and return what it is."""
    started = time.perf_counter()
    lock = environments.read_lock(request.lock_file)
    images = [_platform_image(request, lock, platform, progress) for platform in request.platforms]
    documents: list[oci.ImageDocument] = []
    attached: list[oci.Descriptor] = []
    layers: dict[str, int] = {}
    for image in images:
        documents += [image.manifest, image.config]
        layers |= {layer.blob.digest: layer.blob.size for layer in image.layers}
        for refers, *bodies in _attachments(image):
            attached.append(refers.descriptor)
            documents += [refers, *bodies]
    parts = layout.LayoutParts(
        name=request.origin.version,
        image=_whole(images),
        documents=tuple(documents),
        attached=tuple(attached),
        blobs=tuple(map(request.cache.blob, layers)),
    )
    return BuiltImage(
        layout=layout.write(folder, parts),
        layers=len(layers),
        size=sum(layers.values()),
        made=sum(image.made for image in images),
        seconds=time.perf_counter() - started,
    )


def _whole(images: Sequence[_PlatformImage]) -> oci.ImageDocument:
    """Return the manifest of an image of one platform, the index of one of several."""
    if len(images) == 1:
        return images[0].manifest
    return oci.image_index([image.manifest.descriptor for image in images], images[0].origin.labels)


def _attachments(image: _PlatformImage) -> list[tuple[oci.ImageDocument, ...]]:
    contents = Contents(image=image.manifest.descriptor, records=image.records)
    sbom = attachments.sbom(image.origin, contents)
    provenance = attachments.provenance(image.origin, contents, BUILDER)
    return [
        oci.attachment(attachments.SBOM, sbom, contents.image, "sbom.cdx.json"),
        oci.attachment(attachments.PROVENANCE, provenance, contents.image, "provenance.intoto.json"),
    ]


def _platform_image(
    request: ImageRequest, lock: Lock, platform: Platform, progress: Progress
) -> _PlatformImage:
    records = environments.pinned(lock, request.lock_file.name, request.environment, platform)
    base = request.base(platform) if request.base else None
    pins = digest_of_pins(records)
    key = digest_of([SCHEMA, pins, request.own_channel, str(request.origin.epoch), base, request.bytecode])
    layers, glibc, made = _layers(request, records, platform, key=key, base=base, progress=progress)
    host.require_glibc(glibc, _floor(lock, platform), base.reference if base else "this machine")
    stated = base.labels if base else {HOST_LABEL: "the libraries of the machine that built the image"}
    origin = replace(request.origin, lock=pins, base={**stated, "flowlock.glibc": glibc})
    every = (*(base.layers if base else ()), *layers)
    target = _image_platform(platform)
    config = oci.image_config(every, target, _settings(origin), origin.created)
    manifest = oci.image_manifest(config, every, target, origin.labels)
    return _PlatformImage(
        manifest=manifest, config=config, layers=every, origin=origin, records=records, made=made
    )


def _image_platform(platform: Platform) -> Mapping[str, str]:
    try:
        return oci.platform_of(platform)
    except ValueError as error:
        raise FlowlockError(
            str(error), code="FL902", hint="name linux-64 or linux-aarch64 with --platform"
        ) from error


def _floor(lock: Lock, platform: Platform) -> str:
    """Return the oldest glibc that a lock's solve assumed for a platform."""
    listed = [entry.virtual_packages for entry in lock.platforms if entry.name == platform]
    packages = [*(listed[0] if listed else ()), *DEFAULTS[platform]]
    versions = [package.split("=")[1] for package in packages if package.startswith("__glibc=")]
    return versions[0]


def _settings(origin: Origin) -> dict[str, object]:
    """Return how the image runs.

    Without an ENTRYPOINT: what is given as arguments is a command, as Kubernetes and Dagster's chart do it.
    """
    prefix = f"/{installed.PREFIX}"
    return {
        "User": USER,
        "WorkingDir": f"/{host.DATA}",
        "Env": [
            f"PATH={prefix}/bin:/usr/local/bin:/usr/bin:/bin",
            f"CONDA_PREFIX={prefix}",
            f"HOME=/{host.DATA}",
            "LANG=C.UTF-8",
            "PYTHONDONTWRITEBYTECODE=1",
            "PYTHONUNBUFFERED=1",
        ],
        "Cmd": list(origin.command),
        "Labels": origin.labels,
    }


def _layers(
    request: ImageRequest,
    records: Sequence[Record],
    platform: Platform,
    *,
    key: str,
    base: BaseImage | None,
    progress: Progress,
) -> tuple[list[oci.Layer], str, int]:
    """Return the layers of packages, the version of glibc below them, and how many were made now."""
    known = image_file(request.cache, key)
    kept = layers_of(request.cache, memo.read(known, KeptImage))
    if kept is not None:
        return *kept, 0
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        prefix = Path(scratch, "prefix")
        environments.install_into(
            prefix,
            request.lock_file,
            request.environment,
            platform,
            prefix=Path("/", installed.PREFIX),
            places=request.folders,
            progress=progress,
        )
        libraries = host.HostLibraries(by_path={}) if base else host.host_libraries(prefix)
        plans = [_base_plan(libraries), *_package_plans(request, prefix, records)]
        glibc = base.glibc if base else libraries.glibc
        make = partial(_made, request, progress)
        outcomes = concurrently(make, plans, workers=os.cpu_count() or 1)
    remembered = KeptImage(
        name=request.origin.name,
        pins=digest_of_pins(records),
        base=list(base.blobs) if base else [],
        keys=[(plan.key, plan.title) for plan in plans],
        host={path: (str(libraries.by_path[path]), digest) for path, digest in libraries.digests.items()},
        glibc=glibc,
    )
    memo.write(known, remembered.model_dump())
    return [layer for layer, _ in outcomes], glibc, sum(is_new for _, is_new in outcomes)


@dataclass(frozen=True, kw_only=True, slots=True)
class _LayerPlan:
    """A layer to have: the key of its contents, and its entries, which are only read if it must be made."""

    key: str
    title: str
    entries: Callable[[], Iterator[TarEntry]]


def _base_plan(libraries: host.HostLibraries) -> _LayerPlan:
    """Return the lowest layer: the folders that a run writes to, and the libraries of this machine."""

    def entries() -> Iterator[TarEntry]:
        yield from host.mount_points()
        if libraries.by_path:
            yield from libraries.entries()

    title = "libraries of the building machine" if libraries.by_path else "mount points"
    return _LayerPlan(key=digest_of([SCHEMA, libraries.digests]), title=title, entries=entries)


def _package_plans(request: ImageRequest, prefix: Path, records: Sequence[Record]) -> Iterator[_LayerPlan]:
    tags = installed.python_tags(prefix)
    python = [record.version for record in records if record.name == "python"]
    for group in grouped(records, request.own_channel, request.origin.name):
        packages = installed.read(prefix, group.records)
        facts = [package.facts for package in packages]
        settings = [SCHEMA, installed.PREFIX, str(request.origin.epoch), python, request.bytecode]
        yield _LayerPlan(
            key=digest_of([*settings, group.title, facts]),
            title=group.title,
            entries=partial(_entries, request, prefix, packages, tags),
        )


def _entries(
    request: ImageRequest, prefix: Path, packages: Sequence[installed.InstalledPackage], tags: Sequence[str]
) -> Iterator[TarEntry]:
    for package in packages:
        yield from installed.entries(package, prefix, tags, bytecode=request.bytecode)
    if any(package.record.name == request.origin.name for package in packages):
        # Its presence tells conda and pixi that the folder is an environment.
        yield TarEntry(path=f"{installed.PREFIX}/conda-meta/history", source=b"")


def _made(request: ImageRequest, progress: Progress, plan: _LayerPlan) -> tuple[oci.Layer, bool]:
    """Return a layer, and whether it was made now."""
    kept = request.cache.find(plan.key, plan.title)
    if kept is not None:
        return kept, False
    progress.working(f"packing {plan.title}")
    return request.cache.add(plan.key, plan.title, plan.entries(), request.origin.epoch), True
