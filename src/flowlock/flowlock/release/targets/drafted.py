"""Releases of a forge (GitHub, Gitea): a draft that gathers the files, public when all of them are there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import Context, Delivery, DeliveryStatus, Served, TargetKind

CUT = "\n\n… (the rest is in CHANGELOG.md)"


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgeRelease:
    """A release, draft or public; to an immutable one nothing can be added."""

    id: int
    tag: str
    body: str
    draft: bool
    url: str
    immutable: bool = False
    upload_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgeAsset:
    """A file of a release: `sha256` if the forge states it; not `whole` if an upload of it failed.

    The bytes of an asset never change: other bytes are another asset, with another `id`. `api_url` is where
    the API has it, `download_url` where its bytes are.
    """

    id: int
    name: str
    url: str
    api_url: str
    download_url: str
    whole: bool = True
    sha256: Sha256 | None = None


class ReleaseApi(Protocol):
    """What differs from forge to forge; every method raises FlowlockError for what is final.

    `landed` is for retries: it returns what an earlier attempt made after all, None if there is nothing.
    """

    @property
    def name(self) -> str:
        """How the target was named."""

    @property
    def longest_body(self) -> int | None:
        """The most characters that a release's text may have."""

    def check(self) -> None:
        """See that the credential may write to the repository."""

    def releases(self) -> Iterable[ForgeRelease]:
        """Return all releases, drafts too."""

    def create(self, body: str, landed: Callable[[], ForgeRelease | None]) -> ForgeRelease | None:
        """Make a draft for the tag; None if the forge has a release for it by now."""

    def assets(self, release: ForgeRelease) -> Iterable[ForgeAsset]:
        """Return the files of a release."""

    def served_name(self, file: str) -> str:
        """Return a file's name as the forge writes it."""

    def send(
        self, release: ForgeRelease, item: Item, landed: Callable[[], ForgeAsset | None]
    ) -> ForgeAsset | None:
        """Send a file; None if the release has one of that name, which stays."""

    def delete(self, asset: ForgeAsset) -> None:
        """Delete a file of a draft."""

    def read(self, asset: ForgeAsset, item: Item) -> Sha256:
        """Return the sha256 of an asset's bytes, by reading all of them."""

    def publish(self, release: ForgeRelease) -> None:
        """Make a draft public."""


class DraftedRelease:
    """The release of one tag at a forge with this API; no request is sent before the first call."""

    kind = TargetKind.RELEASE

    def __init__(self, api: ReleaseApi, context: Context) -> None:
        self.name = api.name
        self._api = api
        self._tag, self._notes = context.tag, context.notes
        self._mark = f"<!-- flowlock {context.tag} -->"
        self._lock = Lock()
        self._release: ForgeRelease | None = None
        self._placed: dict[str, int] = {}
        self._digests: dict[int, Sha256] = {}

    def check(self) -> None:
        """See that the credential may write to the repository, and that the tag has no foreign release."""
        self._api.check()
        self._find()

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return the items that our release has, draft or public; none if there is no release."""
        release = self._find()
        if release is None:
            return {}
        by_name = {name: item for item in items for name in self._names(item)}
        served: dict[str, Served] = {}
        for asset in self._assets(release):
            item = by_name.get(asset.name)
            if item is None or not asset.whole or item.place in served:
                continue
            self._placed[asset.name] = asset.id
            served[item.place] = Served(
                place=item.place,
                url=asset.url,
                sha256=asset.sha256 or self._read(asset, item),
                public=not release.draft,
            )
        return served

    def upload(self, item: Item) -> Delivery:
        """Put one file into the draft, which is made for the first one."""
        release = self._draft()
        if not release.draft:
            return self._refuse_public(item)
        asset = self._send(release, item)
        if asset is None and self._clear(release, item):
            asset = self._send(release, item)
        if asset is not None:
            return self._judged(item, asset, asset.sha256 or item.sha256, DeliveryStatus.UPLOADED)
        existing = self._asset(release, item)
        if existing is None:
            raise self._unlisted(item.file)
        return self._judged(item, existing, self._read(existing, item), DeliveryStatus.PRESENT)

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the bytes that are served for the asset."""
        release = self._find()
        asset = self._asset(release, item) if release else None
        return self._read(asset, item) if asset and asset.whole else None

    def complete(self) -> None:
        """Make the draft public; assets that this tag does not have are refused first."""
        release = self._draft()
        if not release.draft:
            return
        assets = self._assets(release)
        foreign = sorted({asset.name for asset in assets} - self._placed.keys())
        if foreign:
            raise FlowlockError(
                f"{self.name}: the draft has assets that do not belong to this tag: {', '.join(foreign)}",
                code="FL816",
                hint="delete them on the release's page, or delete the draft",
            )
        # An attempt that was given up may have succeeded later, and made a second asset of the name.
        for asset in assets:
            if asset.id != self._placed[asset.name]:
                self._api.delete(asset)
        self._api.publish(release)
        with self._lock:
            self._release = None

    def _names(self, item: Item) -> set[str]:
        return {item.file, self._api.served_name(item.file)}

    def _find(self) -> ForgeRelease | None:
        """Return our release of the tag, draft or public; one that is not ours is an error.

        Releases are listed, since a request by tag does not return drafts everywhere.
        """
        of_tag = [release for release in self._api.releases() if release.tag == self._tag]
        for release in of_tag:
            if self._mark not in release.body:
                raise FlowlockError(
                    f"{self.name} has a release for {self._tag} that flowlock did not create: {release.url}",
                    code="FL816",
                    hint="delete or rename it if it is a mistake; nothing was changed",
                )
        # A repeated create may have made two drafts; the oldest one is used.
        return min(of_tag, key=lambda release: (release.draft, release.id), default=None)

    def _draft(self) -> ForgeRelease:
        """Return our release, requested once; if there is none, create a draft."""
        with self._lock:
            if self._release is None:
                self._release = self._find() or self._create()
            return self._release

    def _create(self) -> ForgeRelease:
        body = _body(self._notes, self._mark, self._api.longest_body)
        created = self._api.create(body, self._find) or self._find()
        if created is None:
            raise self._unlisted(f"a release for {self._tag}")
        return created

    def _unlisted(self, what: str) -> FlowlockError:
        return FlowlockError(
            f"{self.name} reports that it has {what}, but does not list it",
            code="FL815",
            hint="run the same command again",
        )

    def _refuse_public(self, item: Item) -> Delivery:
        release = self._draft()
        kind = "immutable" if release.immutable else "public"
        return Delivery(
            status=DeliveryStatus.CONFLICT,
            url=release.url,
            detail=f"the release is already {kind} and does not have {item.file}: release a new version",
        )

    def _assets(self, release: ForgeRelease) -> list[ForgeAsset]:
        """Return the release's assets, the oldest one first."""
        return sorted(self._api.assets(release), key=lambda asset: asset.id)

    def _asset(self, release: ForgeRelease, item: Item) -> ForgeAsset | None:
        names = self._names(item)
        for asset in self._assets(release):
            if asset.name in names:
                return asset
        return None

    def _send(self, release: ForgeRelease, item: Item) -> ForgeAsset | None:
        """Send the bytes; an empty asset that a failed try left behind is deleted before the next one."""

        def landed() -> ForgeAsset | None:
            asset = self._asset(release, item)
            if asset is not None and asset.whole:
                return asset
            self._clear(release, item)
            return None

        return self._api.send(release, item, landed)

    def _clear(self, release: ForgeRelease, item: Item) -> bool:
        """Delete an asset of the draft that is unfinished, or an earlier ledger; say whether one was."""
        asset = self._asset(release, item)
        if asset is None:
            return False
        if asset.whole and not self._is_replaced(asset, item):
            return False
        self._api.delete(asset)
        return True

    def _is_replaced(self, asset: ForgeAsset, item: Item) -> bool:
        return item.replaceable and (asset.sha256 or self._read(asset, item)) != item.sha256

    def _judged(self, item: Item, asset: ForgeAsset, digest: Sha256, status: DeliveryStatus) -> Delivery:
        """Return how an upload ended; what a name stands for is ours only with our bytes."""
        with self._lock:
            self._placed[asset.name] = asset.id
        if digest != item.sha256:
            detail = f"the asset with that name has the sha256 {digest}"
            return Delivery(status=DeliveryStatus.CONFLICT, url=asset.url, detail=detail)
        return Delivery(status=status, url=asset.url)

    def _read(self, asset: ForgeAsset, item: Item) -> Sha256:
        """Return the sha256 of an asset's bytes, which are read once."""
        if asset.id not in self._digests:
            self._digests[asset.id] = self._api.read(asset, item)
        return self._digests[asset.id]


def _body(notes: str, mark: str, limit: int | None) -> str:
    """Return a release's text with our mark, within the forge's limit of characters."""
    room = len(notes) if limit is None else limit - len(mark) - 2
    text = notes if len(notes) <= room else notes[: room - len(CUT)] + CUT
    return f"{text}\n\n{mark}" if text else mark
