"""GitHub Releases by GitHub's API; `drafted` says how a release is filled."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from flowlock.edges import address
from flowlock.edges.address import ServerOrigin
from flowlock.edges.forge import ForgeRepository
from flowlock.edges.forge_client import ForgeObject, kept
from flowlock.edges.http import Answer
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.targets.artifact import FileBody, Item
from flowlock.release.targets.client import DENIED
from flowlock.release.targets.drafted import DraftedRelease, ForgeAsset, ForgeRelease
from flowlock.release.targets.forge import ForgeReleases
from flowlock.release.targets.protocol import Context

BODY_LIMIT = 125_000
UNPROCESSABLE = 422
DUPLICATE = "already_exists"
UPLOADED = "uploaded"


class Asset(ForgeObject):
    """A file of a release; `digest` is absent for one that was uploaded before GitHub stated digests."""

    id: int
    name: str
    state: str
    browser_download_url: str
    digest: str | None = None


class GitHubRelease(ForgeObject):
    """A release of the repository, draft or public."""

    id: int
    tag_name: str
    draft: bool
    html_url: str
    upload_url: str
    body: str | None = None
    immutable: bool = False


def github(location: str, context: Context) -> DraftedRelease:
    """Return `github:OWNER/REPO`; GITHUB_API_URL names another server than github.com."""
    name = f"github:{location}"
    repository = ForgeRepository.parse(name)
    if repository is None:
        raise FlowlockError(
            f"`{name}` does not name a repository", code="FL801", hint="write github:OWNER/REPO"
        )
    return DraftedRelease(_GitHubApi(name, repository, context), context)


class _GitHubApi(ForgeReleases):
    longest_body = BODY_LIMIT
    remedy = "give it `contents: write`"

    def releases(self) -> Iterator[ForgeRelease]:
        """Return all releases, drafts too."""
        url = f"{self._api}/releases"
        for release in self._forge.pages(list[GitHubRelease], url, "to list releases"):
            yield _release(release)

    def create(self, body: str, landed: Callable[[], ForgeRelease | None]) -> ForgeRelease | None:
        """Make a draft for the tag."""
        document: dict[str, Any] = {
            "tag_name": self._context.tag,
            "name": self._context.tag,
            "body": body,
            "draft": True,
            **self._marks,
        }
        if self._context.commit:
            document["target_commitish"] = self._context.commit
        earlier: list[ForgeRelease] = []
        answer = self._forge.write(
            "POST", f"{self._api}/releases", document, landed=lambda: kept(landed(), earlier)
        )
        if earlier:
            return earlier[0]
        accepted = self._forge.client.accept(answer, "to draft a release")
        return _release(self._forge.client.read(GitHubRelease, accepted, "a release"))

    def assets(self, release: ForgeRelease) -> Iterator[ForgeAsset]:
        """Return the files of a release."""
        url = f"{self._api}/releases/{release.id}/assets"
        for asset in self._forge.pages(list[Asset], url, "to list assets"):
            yield self._asset(asset)

    def served_name(self, file: str) -> str:
        """Return a file's name as the server rewrites it."""
        return re.sub(r"[^A-Za-z0-9._+@-]", ".", file)

    def send(
        self, release: ForgeRelease, item: Item, landed: Callable[[], ForgeAsset | None]
    ) -> ForgeAsset | None:
        """Send a file; GitHub refuses one whose name is used."""
        earlier: list[ForgeAsset] = []
        answer = self._forge.client.send(
            "POST",
            self._upload_url(release),
            query={"name": item.file},
            headers={**self._forge.headers, "Content-Type": "application/octet-stream"},
            body=FileBody(item.path, item.size),
            landed=lambda: kept(landed(), earlier),
        )
        if earlier:
            return earlier[0]
        if _already_exists(answer):
            return None
        return self._asset(
            self._forge.client.read(Asset, self._forge.client.accept(answer, item.file), "an asset")
        )

    def read(self, asset: ForgeAsset, item: Item) -> Sha256:
        """Return the sha256 of an asset's bytes, by reading all of them."""
        headers = {**self._forge.headers, "Accept": "application/octet-stream"}
        return self._forge.client.require_digest(asset.download_url, item, headers=headers)

    def publish(self, release: ForgeRelease) -> None:
        """Make a draft public."""
        url = f"{self._api}/releases/{release.id}"
        answer = self._forge.write("PATCH", url, {"draft": False, **self._marks})
        self._forge.client.accept(answer, "to publish the release")

    @property
    def _marks(self) -> dict[str, Any]:
        candidate = self._context.prerelease
        return {"prerelease": candidate, "make_latest": "false" if candidate else "true"}

    def _upload_url(self, release: ForgeRelease) -> str:
        """Return where a release's assets go: to the API's own server, or the one beside it for uploads."""
        url = address.without_user_info(release.upload_url.partition("{")[0])
        api, uploads = address.origin_of(self._api), address.origin_of(url)
        if uploads not in {api, _uploads_of(api)}:
            raise FlowlockError(
                f"{self.name} requests uploads to {uploads}, which is not its own server",
                code=DENIED,
                hint="check GITHUB_API_URL; no request was sent to that server",
            )
        return url

    def _asset(self, asset: Asset) -> ForgeAsset:
        api_url = f"{self._api}/releases/assets/{asset.id}"
        return ForgeAsset(
            id=asset.id,
            name=asset.name,
            url=asset.browser_download_url,
            api_url=api_url,
            download_url=api_url,
            whole=asset.state == UPLOADED,
            sha256=self._stated(asset),
        )

    def _stated(self, asset: Asset) -> Sha256 | None:
        """Return the digest that GitHub states for an asset; those from before it did have none."""
        kind, _, digest = (asset.digest or "").partition(":")
        try:
            return Sha256(digest) if kind == "sha256" else None
        except ValueError as error:
            raise FlowlockError(
                f"{self.name} reports a digest for {asset.name} that is not a sha256", code="FL813"
            ) from error


def _release(release: GitHubRelease) -> ForgeRelease:
    return ForgeRelease(
        id=release.id,
        tag=release.tag_name,
        body=release.body or "",
        draft=release.draft,
        url=release.html_url,
        immutable=release.immutable,
        upload_url=release.upload_url,
    )


def _uploads_of(api: ServerOrigin) -> ServerOrigin:
    """Return the server that takes the files: for api.github.com it is uploads.github.com."""
    kind, _, domain = api.host.partition(".")
    return replace(api, host=f"uploads.{domain}") if kind == "api" else api


def _already_exists(answer: Answer) -> bool:
    """Return whether a refusal means that an asset of that name exists.

    The `errors` of a 422 are objects, texts, one text or null; only objects have a code.
    """
    if answer.status != UNPROCESSABLE:
        return False
    return any(isinstance(error, dict) and error.get("code") == DUPLICATE for error in _errors(answer.body))


def _errors(body: bytes) -> list[Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []
    errors = document.get("errors") if isinstance(document, dict) else None
    return errors if isinstance(errors, list) else [errors]
