"""A stateful stand-in for the release endpoints of GitHub's API."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from servers.forge import NOW, ReleaseServer, Routes, assets_of, page_of, public, release_routes, routed
from servers.loopback import Request, Response, as_json

USER = {
    **{
        key: f"https://github.test/users/octocat/{key}"
        for key in (
            *("avatar_url", "url", "html_url", "followers_url", "following_url", "gists_url", "starred_url"),
            *("subscriptions_url", "organizations_url", "repos_url", "events_url", "received_events_url"),
        )
    },
    "login": "octocat",
    "id": 1,
    "node_id": "MDQ6VXNlcjE=",
    "gravatar_id": "",
    "type": "User",
    "site_admin": False,
}
REPOSITORY = "/repos/octo/flow"


@dataclass(kw_only=True)
class GitHub(ReleaseServer):
    """The releases of one repository at GitHub."""

    immutable: bool = False
    repository: Mapping[str, Any] = field(default_factory=dict)
    assets: dict[int, dict[str, Any]] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    # Asset names whose next upload fails as an upstream fault does: 502, and an empty asset is left behind.
    breaks: set[str] = field(default_factory=set)
    # The body of the 422 that each upload meets.
    refusal: bytes | None = None
    # How many of the next requests meet the secondary rate limit.
    limited: int = 0
    # Called with each request and response, to hold both against GitHub's own description.
    inspect: Callable[[Request, Response], None] | None = None

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.requests.append(request)
            response = self._answer(request)
            if self.inspect is not None:
                self.inspect(request, response)
            return response

    def _answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _message(401, "Bad credentials")
        if self.limited:
            self.limited -= 1
            return as_json(403, {"message": "You have exceeded a secondary rate limit"}, retry_after="0")
        return routed(self, ROUTES, request) or _message(404, "Not Found")

    def repo(self, request: Request) -> Response:
        permissions = {"admin": False, "push": self.may_push, "pull": True}
        return as_json(200, {**self.repository, "permissions": permissions})

    def list_releases(self, request: Request) -> Response:
        shown = [self._shown(release) for release in sorted(self.releases.values(), key=lambda r: -r["id"])]
        return as_json(200, page_of(shown, request, size="per_page"))

    def create_release(self, request: Request) -> Response:
        asked = request.json
        if len(asked.get("body") or "") > 125_000:
            return _message(422, "body is too long (maximum is 125000 characters)")
        if not self.may_push:
            return _message(403, "Resource not accessible by integration")
        number = self.next_id()
        host = request.headers["host"]
        url = f"http://{host}{REPOSITORY}/releases/{number}"
        self.releases[number] = {
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"http://{host}/uploads{REPOSITORY}/releases/{number}/assets{{?name,label}}",
            "html_url": f"https://github.test/octo/flow/releases/tag/{asked['tag_name']}",
            "id": number,
            "node_id": f"RE_{number}",
            "tag_name": asked["tag_name"],
            "target_commitish": asked.get("target_commitish", "main"),
            "name": asked.get("name"),
            "body": asked.get("body"),
            "draft": asked.get("draft", False),
            "prerelease": asked.get("prerelease", False),
            "immutable": False,
            "created_at": NOW,
            "published_at": None,
            "author": USER,
            "tarball_url": None,
            "zipball_url": None,
        }
        return as_json(201, self._shown(self.releases[number]))

    def edit_release(self, request: Request, number: int) -> Response:
        release = self.releases.get(number)
        if release is None:
            return _message(404, "Not Found")
        asked = {key: value for key, value in request.json.items() if key != "make_latest"}
        release.update(asked)
        if not release["draft"]:
            release.update(published_at=NOW, immutable=self.immutable)
        return as_json(200, self._shown(release))

    def list_assets(self, request: Request, number: int) -> Response:
        return as_json(200, page_of(assets_of(number, self.assets), request, size="per_page"))

    def upload(self, request: Request, number: int) -> Response:
        release = self.releases.get(number)
        if release is None:
            return _message(404, "Not Found")
        if release["immutable"]:
            return _message(422, "Cannot upload assets to an immutable release.")
        if self.refusal is not None:
            return Response(status=422, body=self.refusal)
        name = re.sub(r"[^A-Za-z0-9._+@-]", ".", request.query["name"])
        if any(asset["name"] == name for asset in assets_of(number, self.assets)):
            error = {"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}
            return as_json(422, {"message": "Validation Failed", "errors": [error]})
        broken = name in self.breaks
        self.breaks.discard(name)
        asset = self._add(request, number, name, b"" if broken else request.body)
        if broken:
            asset.update(state="starter", digest=None)
            return _message(502, "Server Error")
        return as_json(201, public(asset))

    def delete(self, request: Request, number: int) -> Response:
        if number not in self.assets:
            return _message(404, "Not Found")
        del self.assets[number], self.contents[number]
        return Response(status=204)

    def download(self, request: Request, number: int) -> Response:
        if number not in self.assets:
            return _message(404, "Not Found")
        return Response(status=200, body=self.contents[number], media="application/octet-stream")

    def _add(self, request: Request, release: int, name: str, data: bytes) -> dict[str, Any]:
        number = self.next_id()
        digest = hashlib.sha256(data).hexdigest()
        self.contents[number] = data
        self.writes.append((name, digest))
        self.assets[number] = {
            "url": f"http://{request.headers['host']}{REPOSITORY}/releases/assets/{number}",
            "browser_download_url": f"https://github.test/octo/flow/releases/download/{name}",
            "id": number,
            "node_id": f"RA_{number}",
            "name": name,
            "label": None,
            "state": "uploaded",
            "content_type": request.headers["content-type"],
            "size": len(data),
            "digest": f"sha256:{digest}",
            "download_count": 0,
            "created_at": NOW,
            "updated_at": NOW,
            "uploader": USER,
            "release": release,
        }
        return self.assets[number]

    def _shown(self, release: Mapping[str, Any]) -> dict[str, Any]:
        return {**release, "assets": assets_of(release["id"], self.assets)}


def _message(status: int, text: str) -> Response:
    return as_json(status, {"message": text, "documentation_url": "https://docs.github.test"})


ROUTES: Routes = (
    *release_routes(GitHub, REPOSITORY, uploads="/uploads"),
    ("DELETE", rf"{REPOSITORY}/releases/assets/(\d+)", GitHub.delete),
    ("GET", rf"{REPOSITORY}/releases/assets/(\d+)", GitHub.download),
)
