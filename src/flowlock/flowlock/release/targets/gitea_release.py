"""Releases by Gitea's API; `drafted` says how a release is filled."""

from collections.abc import Callable, Iterator
from uuid import UUID

from flowlock.edges.forge_client import ForgeObject, kept
from flowlock.names import Sha256
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.client import CONFLICT
from flowlock.release.targets.drafted import ForgeAsset, ForgeRelease
from flowlock.release.targets.forge import ForgeReleases
from flowlock.release.targets.multipart import FileForm


class Attachment(ForgeObject):
    """A file of a release; Gitea states no digest, and permits several of one name."""

    id: int
    name: str
    uuid: UUID
    browser_download_url: str


class GiteaRelease(ForgeObject):
    """A release of the repository, draft or public."""

    id: int
    tag_name: str
    draft: bool
    html_url: str = ""
    body: str = ""


class GiteaReleaseApi(ForgeReleases):
    """The releases of a repository."""

    longest_body = None
    remedy = "give it `write:repository`, and its user write access to the repository"

    def releases(self) -> Iterator[ForgeRelease]:
        """Return all releases, drafts too; tags without a release are not among them."""
        for release in self._forge.pages(list[GiteaRelease], f"{self._api}/releases", "to list releases"):
            yield _release(release)

    def create(self, body: str, landed: Callable[[], ForgeRelease | None]) -> ForgeRelease | None:
        """Make a draft for the tag, of which there is one at the most."""
        document = {
            "tag_name": self._context.tag,
            "target_commitish": self._context.commit,
            "name": self._context.tag,
            "body": body,
            "draft": True,
            "prerelease": self._context.prerelease,
        }
        earlier: list[ForgeRelease] = []
        answer = self._forge.write(
            "POST", f"{self._api}/releases", document, landed=lambda: kept(landed(), earlier)
        )
        if earlier:
            return earlier[0]
        if answer.status == CONFLICT:
            return None
        accepted = self._forge.client.accept(answer, "to draft a release")
        return _release(self._forge.client.read(GiteaRelease, accepted, "a release"))

    def assets(self, release: ForgeRelease) -> Iterator[ForgeAsset]:
        """Return the files of a release; Gitea sends all of them at once."""
        url = self._assets_url(release)
        for attachment in self._forge.get(list[Attachment], url, "to list assets", "a list"):
            yield self._asset(release, attachment)

    def served_name(self, file: str) -> str:
        """Return a file's name unchanged."""
        return file

    def send(
        self, release: ForgeRelease, item: Item, landed: Callable[[], ForgeAsset | None]
    ) -> ForgeAsset | None:
        """Send a file unless there is one of its name: Gitea would keep both."""
        if any(asset.name == item.file for asset in self.assets(release)):
            return None
        form = FileForm(item, field="attachment")
        earlier: list[ForgeAsset] = []
        answer = self._forge.client.send(
            "POST",
            self._assets_url(release),
            query={"name": item.file},
            headers={**self._forge.headers, "Content-Type": form.media_type},
            body=form,
            landed=lambda: kept(landed(), earlier),
        )
        if earlier:
            return earlier[0]
        accepted = self._forge.client.accept(answer, item.file)
        return self._asset(release, self._forge.client.read(Attachment, accepted, "an asset"))

    def read(self, asset: ForgeAsset, item: Item) -> Sha256:
        """Return the sha256 of an asset's bytes, by reading all of them."""
        return self._forge.client.require_digest(asset.download_url, item)

    def publish(self, release: ForgeRelease) -> None:
        """Make a draft public."""
        url = f"{self._api}/releases/{release.id}"
        document = {"draft": False, "prerelease": self._context.prerelease}
        self._forge.client.accept(self._forge.write("PATCH", url, document), "to publish the release")

    def _assets_url(self, release: ForgeRelease) -> str:
        return f"{self._api}/releases/{release.id}/assets"

    def _asset(self, release: ForgeRelease, attachment: Attachment) -> ForgeAsset:
        return ForgeAsset(
            id=attachment.id,
            name=attachment.name,
            url=attachment.browser_download_url,
            api_url=f"{self._assets_url(release)}/{attachment.id}",
            # The address that the API states has the name that the server gives itself, which need not be the
            # one that this target has.
            download_url=f"{self._repository.server}/attachments/{attachment.uuid}",
        )


def _release(release: GiteaRelease) -> ForgeRelease:
    return ForgeRelease(
        id=release.id, tag=release.tag_name, body=release.body, draft=release.draft, url=release.html_url
    )
