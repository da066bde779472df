"""GitHub Releases: a draft that gathers the files, made public when all of them are there."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any

from flowlock.edges import http, secret
from flowlock.edges.http import Answer, Header
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.artifact import FileBody, Item
from flowlock.release.targets.client import NOT_FOUND, Client
from flowlock.release.targets.protocol import Context, Delivery, Kind, Served, Status

TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
API_VERSION = "2022-11-28"
BODY_LIMIT = 125_000
UNPROCESSABLE = 422
PAGE = 100
CUT = "\n\n… (the rest is in CHANGELOG.md)"


class GitHub:
    """`github:OWNER/REPO`; GITHUB_API_URL names another server than github.com."""

    kind = Kind.RELEASE

    def __init__(self, location: str, context: Context) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", location):
            raise FlowlockError(
                f"`github:{location}` names no repository", code="FL801", hint="write github:OWNER/REPO"
            )
        self.name = f"github:{location}"
        api = context.environ.get("GITHUB_API_URL") or "https://api.github.com"
        self._api = f"{api.rstrip('/')}/repos/{location}"
        self._context = context
        self._mark = f"<!-- flowlock {context.tag} -->"
        self._lock = Lock()
        self._release: Mapping[str, Any] | None = None
        self._placed: set[str] = set()

    @cached_property
    def _client(self) -> Client:
        token = secret.require(TOKENS, self._api, self.name, self._context.environ)
        return Client(self._context, self.name, Header(secret=token))

    def check(self) -> None:
        """See that the token may write to the repository, and that the tag has no foreign release."""
        repository = self._json("GET", self._api, "to show the repository")
        if not (repository.get("permissions") or {"push": True}).get("push", True):
            raise FlowlockError(
                f"{self.name}: the token may only read",
                code="FL812",
                hint="give it `contents: write`",
            )
        self._find()

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return the complete assets of our release, draft or public; no release is no asset."""
        release = self._find()
        if release is None:
            return {}
        return {
            self._place_of(asset, items): Served(
                place=self._place_of(asset, items),
                url=str(asset["browser_download_url"]),
                sha256=self._digest_of(asset),
                public=not release["draft"],
            )
            for asset in self._assets(release)
            if asset["state"] == "uploaded"
        }

    def upload(self, item: Item) -> Delivery:
        """Put one file into the draft, which is made for the first one."""
        release = self._draft()
        if not release["draft"]:
            return self._refuse_public(item)
        answer = self._send(release, item)
        if _already_exists(answer) and self._clear(release, item):
            answer = self._send(release, item)
        if not _already_exists(answer):
            asset = json.loads(self._client.accept(answer, item.file).body)
            return self._judged(item, asset, fresh=True)
        found = self._asset(release, item)
        if found is None:
            raise FlowlockError(
                f"{self.name} says that it has {item.file}, but does not show it",
                code="FL815",
                hint="run the same command again",
            )
        return self._judged(item, found, fresh=False)

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 that the release states for the asset."""
        release = self._find()
        asset = self._asset(release, item) if release else None
        return self._digest_of(asset) if asset and asset["state"] == "uploaded" else None

    def complete(self) -> None:
        """Make the draft public; assets that this tag does not have are refused first."""
        release = self._draft()
        if not release["draft"]:
            return
        foreign = sorted(
            str(asset["name"]) for asset in self._assets(release) if asset["name"] not in self._placed
        )
        if foreign:
            raise FlowlockError(
                f"{self.name}: the draft has assets that are not of this tag: {', '.join(foreign)}",
                code="FL816",
                hint="delete them on the release's page, or delete the draft",
            )
        body = {"draft": False, "prerelease": self._context.prerelease, "make_latest": self._latest}
        self._json("PATCH", f"{self._api}/releases/{release['id']}", "to publish the release", body=body)
        with self._lock:
            self._release = None

    @property
    def _latest(self) -> str:
        return "false" if self._context.prerelease else "true"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}

    def _json(self, method: str, url: str, doing: str, *, body: Mapping[str, Any] | None = None) -> Any:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        data = json.dumps(body).encode() if body else b""
        answer = self._client.send(method, url, headers=headers, body=data)
        return json.loads(self._client.accept(answer, doing).body or b"null")

    def _pages(self, url: str, doing: str) -> Iterator[Mapping[str, Any]]:
        for page in range(1, 1000):
            query = {"per_page": str(PAGE), "page": str(page)}
            answer = self._client.send("GET", url, headers=self._headers, query=query)
            found = json.loads(self._client.accept(answer, doing).body)
            yield from found
            if len(found) < PAGE:
                return

    def _find(self) -> Mapping[str, Any] | None:
        """Return our release of the tag, draft or public; one that is not ours is an error.

        Releases are listed, since get-by-tag does not return drafts.
        """
        url = f"{self._api}/releases"
        of_tag = [r for r in self._pages(url, "to list releases") if r["tag_name"] == self._context.tag]
        for release in of_tag:
            if self._mark not in (release["body"] or ""):
                raise FlowlockError(
                    f"{self.name} has a release of {self._context.tag} that flowlock did not make: "
                    f"{release['html_url']}",
                    code="FL816",
                    hint="delete or rename it if it is a mistake; nothing was changed",
                )
        # A repeated create may have made two drafts; the oldest is the one that is gone on with.
        public_first = sorted(of_tag, key=lambda release: (release["draft"], release["id"]))
        return public_first[0] if public_first else None

    def _draft(self) -> Mapping[str, Any]:
        """Return our release, made as a draft if there is none, asked for once."""
        with self._lock:
            if self._release is None:
                self._release = self._find() or self._create()
            return self._release

    def _create(self) -> Mapping[str, Any]:
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
            found = self._find()
            return Answer(status=201, headers={}, body=json.dumps(found).encode()) if found else None

        answer = self._client.send(
            "POST",
            f"{self._api}/releases",
            headers={**self._headers, "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
            landed=landed,
        )
        created: Mapping[str, Any] = json.loads(self._client.accept(answer, "to draft a release").body)
        return created

    def _refuse_public(self, item: Item) -> Delivery:
        release = self._draft()
        kind = "immutable" if release.get("immutable") else "public"
        return Delivery(
            status=Status.CONFLICT,
            url=str(release["html_url"]),
            detail=f"the release is {kind} already and lacks {item.file}: release a new version",
        )

    def _assets(self, release: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return list(self._pages(f"{self._api}/releases/{release['id']}/assets", "to list assets"))

    def _asset(self, release: Mapping[str, Any], item: Item) -> Mapping[str, Any] | None:
        names = {item.file, _served_name(item.file)}
        return next((asset for asset in self._assets(release) if asset["name"] in names), None)

    def _send(self, release: Mapping[str, Any], item: Item) -> Answer:
        """Send the bytes; an empty asset that a failed try left behind is deleted before the next one."""

        def landed() -> Answer | None:
            asset = self._asset(release, item)
            if asset is not None and asset["state"] == "uploaded":
                return Answer(status=201, headers={}, body=json.dumps(asset).encode())
            self._clear(release, item)
            return None

        return self._client.send(
            "POST",
            str(release["upload_url"]).partition("{")[0],
            query={"name": item.file},
            headers={**self._headers, "Content-Type": "application/octet-stream"},
            body=FileBody(item.path, item.size),
            landed=landed,
        )

    def _clear(self, release: Mapping[str, Any], item: Item) -> bool:
        """Delete an asset of the draft that is unfinished, or an earlier ledger; say whether one was."""
        asset = self._asset(release, item)
        if asset is None or (
            asset["state"] == "uploaded" and not (item.replaceable and self._digest_of(asset) != item.sha256)
        ):
            return False
        answer = self._client.send(
            "DELETE", f"{self._api}/releases/assets/{asset['id']}", headers=self._headers
        )
        self._client.accept(answer, "to delete an unfinished asset", also=[NOT_FOUND])
        return True

    def _judged(self, item: Item, asset: Mapping[str, Any], *, fresh: bool) -> Delivery:
        url, found = str(asset["browser_download_url"]), self._digest_of(asset)
        with self._lock:
            self._placed.add(str(asset["name"]))
        if found != item.sha256:
            return Delivery(
                status=Status.CONFLICT, url=url, detail=f"the asset of that name has sha256 {found}"
            )
        return Delivery(status=Status.UPLOADED if fresh else Status.PRESENT, url=url)

    def _place_of(self, asset: Mapping[str, Any], items: Sequence[Item]) -> str:
        name = str(asset["name"])
        for item in items:
            if name in {item.file, _served_name(item.file)}:
                self._placed.add(name)
                return item.place
        return name

    def _digest_of(self, asset: Mapping[str, Any]) -> Sha256:
        """Return an asset's digest; one from before GitHub stated digests is downloaded."""
        stated = str(asset.get("digest") or "")
        if stated.startswith("sha256:"):
            return Sha256(stated.removeprefix("sha256:"))
        answer = self._client.send(
            "GET",
            f"{self._api}/releases/assets/{asset['id']}",
            headers={**self._headers, "Accept": "application/octet-stream"},
            keep_body=False,
        )
        found = self._client.accept(answer, "to serve an asset").sha256
        if found is None:
            raise http.PassingFault("the asset's body was not hashed")
        return found


def _served_name(file: str) -> str:
    """Return a file's name as the server rewrites it."""
    return re.sub(r"[^A-Za-z0-9._+@-]", ".", file)


def _already_exists(answer: Answer) -> bool:
    try:
        errors = json.loads(answer.body).get("errors", [])
    except (ValueError, AttributeError):
        return False
    return answer.status == UNPROCESSABLE and any(error.get("code") == "already_exists" for error in errors)


def _body(notes: str, mark: str) -> str:
    """Return a release's text with our mark, within the server's limit of characters."""
    room = BODY_LIMIT - len(mark) - 2
    text = notes if len(notes) <= room else notes[: room - len(CUT)] + CUT
    return f"{text}\n\n{mark}" if text else mark
