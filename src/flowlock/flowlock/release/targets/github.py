"""GitHub Releases: a draft that gathers the files, made public when all of them are there."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

from flowlock.edges import address, secret
from flowlock.edges.address import ServerOrigin
from flowlock.edges.credentials import Header
from flowlock.edges.http import Answer, AnswerKind
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.targets.artifact import FileBody, Item
from flowlock.release.targets.client import CLOSED, NOT_FOUND, Client, most_of
from flowlock.release.targets.github_objects import Asset, GitHubRelease, Repository, read
from flowlock.release.targets.protocol import Context, Delivery, DeliveryStatus, Served, TargetKind

TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
API_VERSION = "2022-11-28"
BODY_LIMIT = 125_000
UNPROCESSABLE = 422
DUPLICATE = "already_exists"
PAGE, MOST_PAGES = 100, 100
UPLOADED = "uploaded"
T = TypeVar("T")
CUT = "\n\n… (the rest is in CHANGELOG.md)"


class GitHub:
    """`github:OWNER/REPO`; GITHUB_API_URL names another server than github.com."""

    kind = TargetKind.RELEASE

    def __init__(self, location: str, context: Context) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", location):
            raise FlowlockError(
                f"`github:{location}` does not name a repository",
                code="FL801",
                hint="write github:OWNER/REPO",
            )
        self.name = f"github:{location}"
        api = context.environ.get("GITHUB_API_URL") or "https://api.github.com"
        address.require_no_user_info(api, self.name)
        self._api = f"{api.rstrip('/')}/repos/{location}"
        self._context = context
        self._mark = f"<!-- flowlock {context.tag} -->"
        self._lock = Lock()
        self._release: GitHubRelease | None = None
        self._placed: set[str] = set()

    @cached_property
    def _client(self) -> Client:
        token = secret.require(TOKENS, self._api, self.name, self._context.environ)
        return Client(self._context, self.name, Header(secret=token))

    def check(self) -> None:
        """See that the token may write to the repository, and that the tag has no foreign release."""
        doing = "to show the repository"
        repository = read(Repository, self._asked("GET", self._api, doing), self.name, "a repository")
        if not repository.may_push:
            raise FlowlockError(
                f"{self.name}: the token has no write access",
                code="FL812",
                hint="give it `contents: write`",
            )
        self._find()

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return the complete assets of our release, draft or public; none if there is no release."""
        release = self._find()
        if release is None:
            return {}
        served = {}
        for asset in self._assets(release):
            if asset.state == UPLOADED:
                place = self._place_of(asset, items)
                served[place] = Served(
                    place=place,
                    url=asset.browser_download_url,
                    sha256=self._stated(asset) or self._read(asset),
                    public=not release.draft,
                )
        return served

    def upload(self, item: Item) -> Delivery:
        """Put one file into the draft, which is made for the first one."""
        release = self._draft()
        if not release.draft:
            return self._refuse_public(item)
        answer = self._send(release, item)
        if _already_exists(answer) and self._clear(release, item):
            answer = self._send(release, item)
        if not _already_exists(answer):
            asset = read(Asset, self._client.accept(answer, item.file), self.name, "an asset")
            return self._judged(item, asset, fresh=True)
        existing = self._asset(release, item)
        if existing is None:
            raise FlowlockError(
                f"{self.name} reports that it has {item.file}, but does not list it",
                code="FL815",
                hint="run the same command again",
            )
        return self._judged(item, existing, fresh=False)

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the bytes that are served for the asset."""
        release = self._find()
        asset = self._asset(release, item) if release else None
        return self._read(asset, item) if asset and asset.state == UPLOADED else None

    def complete(self) -> None:
        """Make the draft public; assets that this tag does not have are refused first."""
        release = self._draft()
        if not release.draft:
            return
        foreign = sorted(asset.name for asset in self._assets(release) if asset.name not in self._placed)
        if foreign:
            raise FlowlockError(
                f"{self.name}: the draft has assets that do not belong to this tag: {', '.join(foreign)}",
                code="FL816",
                hint="delete them on the release's page, or delete the draft",
            )
        body = {"draft": False, "prerelease": self._context.prerelease, "make_latest": self._latest}
        self._asked("PATCH", f"{self._api}/releases/{release.id}", "to publish the release", body=body)
        with self._lock:
            self._release = None

    @property
    def _latest(self) -> str:
        return "false" if self._context.prerelease else "true"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}

    def _asked(
        self, method: str, url: str, doing: str, *, body: Mapping[str, object] | None = None
    ) -> Answer:
        headers, data = self._headers, b""
        if body:
            headers = {**headers, "Content-Type": "application/json"}
            data = json.dumps(body).encode()
        return self._client.accept(self._client.send(method, url, headers=headers, body=data), doing)

    def _pages(self, kind: type[list[T]], url: str, doing: str) -> Iterator[T]:
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": str(PAGE), "page": str(page)}
            answer = self._client.send("GET", url, headers=self._headers, query=query)
            rows = read(kind, self._client.accept(answer, doing), self.name, "a list")
            yield from rows
            if len(rows) < PAGE:
                return
        raise FlowlockError(
            f"{self.name} sent more than {MOST_PAGES} pages when asked {doing}",
            code="FL813",
            hint="delete releases that are no longer needed",
        )

    def _find(self) -> GitHubRelease | None:
        """Return our release of the tag, draft or public; one that is not ours is an error.

        Releases are listed, since get-by-tag does not return drafts.
        """
        url = f"{self._api}/releases"
        releases = self._pages(list[GitHubRelease], url, "to list releases")
        of_tag = [release for release in releases if release.tag_name == self._context.tag]
        for release in of_tag:
            if self._mark not in (release.body or ""):
                raise FlowlockError(
                    f"{self.name} has a release for {self._context.tag} that flowlock did not create: "
                    f"{release.html_url}",
                    code="FL816",
                    hint="delete or rename it if it is a mistake; nothing was changed",
                )
        # A repeated create may have made two drafts; the oldest one is used.
        return min(of_tag, key=lambda release: (release.draft, release.id), default=None)

    def _draft(self) -> GitHubRelease:
        """Return our release, requested once; if there is none, create a draft."""
        with self._lock:
            if self._release is None:
                self._release = self._find() or self._create()
            return self._release

    def _create(self) -> GitHubRelease:
        body = {
            "tag_name": self._context.tag,
            "name": self._context.tag,
            "body": _body(self._context.notes, self._mark),
            "draft": True,
            "prerelease": self._context.prerelease,
            "make_latest": self._latest,
        }
        if self._context.commit:
            body["target_commitish"] = self._context.commit

        def landed() -> Answer | None:
            release = self._find()
            return _created(release) if release else None

        answer = self._client.send(
            "POST",
            f"{self._api}/releases",
            headers={**self._headers, "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
            landed=landed,
        )
        return read(GitHubRelease, self._client.accept(answer, "to draft a release"), self.name, "a release")

    def _refuse_public(self, item: Item) -> Delivery:
        release = self._draft()
        kind = "immutable" if release.immutable else "public"
        return Delivery(
            status=DeliveryStatus.CONFLICT,
            url=release.html_url,
            detail=f"the release is already {kind} and does not have {item.file}: release a new version",
        )

    def _assets(self, release: GitHubRelease) -> list[Asset]:
        return list(self._pages(list[Asset], f"{self._api}/releases/{release.id}/assets", "to list assets"))

    def _asset(self, release: GitHubRelease, item: Item) -> Asset | None:
        names = {item.file, _served_name(item.file)}
        for asset in self._assets(release):
            if asset.name in names:
                return asset
        return None

    def _send(self, release: GitHubRelease, item: Item) -> Answer:
        """Send the bytes; an empty asset that a failed try left behind is deleted before the next one."""

        def landed() -> Answer | None:
            asset = self._asset(release, item)
            if asset is not None and asset.state == UPLOADED:
                return _created(asset)
            self._clear(release, item)
            return None

        return self._client.send(
            "POST",
            self._upload_url(release),
            query={"name": item.file},
            headers={**self._headers, "Content-Type": "application/octet-stream"},
            body=FileBody(item.path, item.size),
            landed=landed,
        )

    def _upload_url(self, release: GitHubRelease) -> str:
        """Return where a release's assets go: to the API's own server, or the one beside it for uploads."""
        url = address.without_user_info(release.upload_url.partition("{")[0])
        api, uploads = address.origin_of(self._api), address.origin_of(url)
        if uploads not in {api, _uploads_of(api)}:
            raise FlowlockError(
                f"{self.name} requests uploads to {uploads}, which is not its own server",
                code=CLOSED,
                hint="check GITHUB_API_URL; no request was sent to that server",
            )
        return url

    def _clear(self, release: GitHubRelease, item: Item) -> bool:
        """Delete an asset of the draft that is unfinished, or an earlier ledger; say whether one was."""
        asset = self._asset(release, item)
        if asset is None:
            return False
        replaced = item.replaceable and self._stated(asset) != item.sha256
        if asset.state == UPLOADED and not replaced:
            return False
        answer = self._client.send("DELETE", f"{self._api}/releases/assets/{asset.id}", headers=self._headers)
        self._client.accept(answer, "to delete an unfinished asset", also=[NOT_FOUND])
        return True

    def _judged(self, item: Item, asset: Asset, *, fresh: bool) -> Delivery:
        """Return how an upload ended; one that was there before is present only if its bytes are ours."""
        with self._lock:
            self._placed.add(asset.name)
        stated = self._stated(asset) if fresh else None
        digest = stated or self._read(asset, item)
        if digest != item.sha256:
            detail = f"the asset with that name has the sha256 {digest}"
            return Delivery(status=DeliveryStatus.CONFLICT, url=asset.browser_download_url, detail=detail)
        status = DeliveryStatus.UPLOADED if fresh else DeliveryStatus.PRESENT
        return Delivery(status=status, url=asset.browser_download_url)

    def _place_of(self, asset: Asset, items: Sequence[Item]) -> str:
        for item in items:
            if asset.name in {item.file, _served_name(item.file)}:
                self._placed.add(asset.name)
                return item.place
        return asset.name

    def _stated(self, asset: Asset) -> Sha256 | None:
        """Return the digest that GitHub states for an asset; those from before it did have none."""
        kind, _, digest = (asset.digest or "").partition(":")
        try:
            return Sha256(digest) if kind == "sha256" else None
        except ValueError as error:
            raise FlowlockError(
                f"{self.name} reports a digest for {asset.name} that is not a sha256", code="FL813"
            ) from error

    def _read(self, asset: Asset, item: Item | None = None) -> Sha256:
        """Return the sha256 of an asset's bytes, by reading all of them."""
        answer = self._client.send(
            "GET",
            f"{self._api}/releases/assets/{asset.id}",
            headers={**self._headers, "Accept": "application/octet-stream"},
            kind=AnswerKind.FILE,
            limit=most_of(item) if item else None,
        )
        digest = self._client.accept(answer, f"to serve {asset.name}").sha256
        if digest is None:
            raise TypeError("a response that was read must have a digest")
        return digest


def _uploads_of(api: ServerOrigin) -> ServerOrigin:
    """Return the server that takes the files: for api.github.com it is uploads.github.com."""
    kind, _, domain = api.host.partition(".")
    return replace(api, host=f"uploads.{domain}") if kind == "api" else api


def _created(what: GitHubRelease | Asset) -> Answer:
    """Return the answer that stands for a request which had succeeded after all."""
    return Answer(status=201, headers={}, body=what.model_dump_json().encode())


def _served_name(file: str) -> str:
    """Return a file's name as the server rewrites it."""
    return re.sub(r"[^A-Za-z0-9._+@-]", ".", file)


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


def _body(notes: str, mark: str) -> str:
    """Return a release's text with our mark, within the server's limit of characters."""
    room = BODY_LIMIT - len(mark) - 2
    text = notes if len(notes) <= room else notes[: room - len(CUT)] + CUT
    return f"{text}\n\n{mark}" if text else mark
