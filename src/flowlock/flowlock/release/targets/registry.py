"""Images in a container registry: a repository for each workflow, tagged by the release's version."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from flowlock.edges import shapes
from flowlock.edges.registry import ImageName, ImageRepository
from flowlock.edges.registry_login import login
from flowlock.errors import FlowlockError, Problem
from flowlock.image import layout, oci
from flowlock.image.push import ACCEPT, PushStatus, push
from flowlock.names import Sha256
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import Context, Delivery, DeliveryStatus, Served, TargetKind
from flowlock.report.reporter import Silent

if TYPE_CHECKING:
    from flowlock.edges.credentials import Basic

REVISION = "org.opencontainers.image.revision"
_SHA256 = "sha256:"


class ContainerRegistry:
    """`oci:HOST/FOLDER`: the image of each workflow is pushed to HOST/FOLDER/PACKAGE."""

    kind = TargetKind.IMAGES

    def __init__(self, location: str, context: Context) -> None:
        self.name = f"oci:{location}"
        self._place = ImageName.parse(location)
        if self._place.tag or self._place.digest:
            raise FlowlockError(
                f"`{self.name}` names one image, not where images go",
                code="FL801",
                hint="write oci:HOST/FOLDER without a tag: each workflow has a repository below it",
            )
        self._tag = str(Version(context.tag.removeprefix("v")))
        self._context = context
        self._known: dict[str, str] = {}
        self._opened: dict[str, ImageRepository] = {}

    def check(self) -> None:
        """See that the registry answers and takes the credential."""
        self._repository("").check()

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return the images that the release's tag stands for."""
        served_images = {}
        for item in items:
            digest = self._repository(item.file).digest(self._tag, ACCEPT)
            if digest is not None:
                sha256 = Sha256(digest.removeprefix(_SHA256))
                served_images[item.place] = Served(
                    place=item.place, url=self._url(item, digest), sha256=sha256
                )
        return served_images

    def upload(self, item: Item) -> Delivery:
        """Push an image; a tag of another image is a conflict."""
        outcome = push(
            layout.read(item.path),
            self._repository(item.file),
            self._tag,
            known=self._known,
            progress=Silent(),
        )
        detail = ""
        if outcome.status is PushStatus.CONFLICT:
            detail = f"the tag {self._tag} stands for another image: {outcome.digest}"
        return Delivery(
            status=DeliveryStatus(outcome.status.value), url=self._url(item, outcome.digest), detail=detail
        )

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the manifest that is served under the tag."""
        served = self._repository(item.file).manifest(self._tag, ACCEPT)
        return Sha256(served.digest.removeprefix(_SHA256)) if served else None

    def complete(self) -> None:
        """Do nothing: an image is visible when its tag is written."""

    @cached_property
    def _login(self) -> "Basic | None":
        return login(self._place.host, self._context.environ, variables=True)

    def _repository(self, package: str) -> ImageRepository:
        if package not in self._opened:
            self._opened[package] = ImageRepository(
                self._named(package), self._login, retry_policy=self._context.retry_policy
            )
        return self._opened[package]

    def _named(self, package: str) -> ImageName:
        folder = self._place.repository
        return replace(self._place, repository=f"{folder}/{package}" if package else folder)

    def _url(self, item: Item, digest: str) -> str:
        return str(replace(self._named(item.file), tag=self._tag, digest=digest))


def find_images(folder: Path) -> list[Path]:
    """Return the layouts in a folder, each in a folder that is named as its package."""
    if not folder.is_dir():
        raise FlowlockError(
            f"{folder} does not exist, and a target takes images",
            code="FL012",
            hint="run `flowlock image build --output DIR` with that folder",
        )
    return sorted(path for path in folder.iterdir() if path.is_dir())


def read_image(folder: Path) -> Item:
    """Return the image of a layout as something to publish, under the name of the workflow's package."""
    image = layout.read(folder).image
    return Item(
        path=folder,
        file=folder.name,
        sha256=Sha256(image.digest.removeprefix(_SHA256)),
        size=sum(path.stat().st_size for path in (folder / "blobs").rglob("*") if path.is_file()),
    )


def image_problem(folder: Path, commit: str) -> Problem | None:
    """Return why an image is not one of a commit, by the labels of its platforms' images."""
    read = layout.read(folder)
    for manifest in read.images():
        config = read.manifest(manifest).config
        what = f"the configuration of the image in {folder}"
        data = read.blob(config.digest).read_bytes()
        labels = shapes.parsed(oci.ConfigText, data, what=what, code="FL837").config.labels
        if labels.get(REVISION) != commit:
            return Problem(
                code="FL837",
                message=f"the image of {folder.name} was not made from the commit of the tag, but from "
                f"{labels.get(REVISION) or 'a tree with changes'}",
                hint="run `flowlock image build` at the tag",
            )
    return None
