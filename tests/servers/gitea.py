"""A stand-in for Gitea, written by hand from the description of its API: it is not Gitea.

It has one owner with a conda registry, and one repository with releases and branch protection. Where versions
of Gitea differ, it does what the strictest one does.
"""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zipfile import BadZipFile

from servers.forge import NOW, ReleaseServer, Routes, assets_of, page_of, public, release_routes, routed
from servers.loopback import Request, Response, as_json, multipart
from servers.packages import index_in

OWNER, REPOSITORY = "octo", "flow"
REPO = f"/api/v1/repos/{OWNER}/{REPOSITORY}"
CONDA = f"/api/packages/{OWNER}/conda"
# What Gitea says of an owner that has too much, and of a file that is too large.
TOTAL_SIZE = "maximum allowed package storage quota exceeded"
TOTAL_COUNT = "maximum allowed package count exceeded"
TYPE_SIZE = "maximum allowed package type size exceeded"
# What its index states of a package: `constrains` and `track_features` are not among it.
STATED = (*("name", "version", "noarch", "timestamp", "build", "build_number", "depends", "license"),)
ROWS = 50


@dataclass(kw_only=True)
class Gitea(ReleaseServer):
    """One owner's packages by place, and one repository's releases; `writes` has the packages, too."""

    packages: dict[str, bytes] = field(default_factory=dict)
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    attachments: dict[int, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    protections: list[dict[str, Any]] = field(default_factory=list)
    is_admin: bool = True
    may_write_packages: bool = True
    has_releases: bool = True
    # The most rows of a page, which an administrator sets.
    rows: int = ROWS
    # What the next upload of a package is refused with, and the types of files that releases may have.
    quota: str | None = None
    allowed_types: tuple[str, ...] = ()
    # Stores other bytes than it was sent.
    corrupts: bool = False
    # Names of attachments whose upload is answered by a proxy's 502, and lands when it is sent again.
    late: dict[str, bytes | None] = field(default_factory=dict)

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.requests.append(request)
            return routed(self, ROUTES, request) or _message(404, "The target couldn't be found.")

    def _signed(self, request: Request) -> bool:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() in {"token", "bearer"}:
            return credential == self.token
        if scheme.lower() == "basic":
            return base64.b64decode(credential).decode().partition(":")[2] == self.token
        return False

    # The conda registry.

    def put_package(self, request: Request, channel: str | None, file: str) -> Response:
        if not (self._signed(request) and self.may_write_packages):
            message = "user should have specific permission or be a site admin"
            return Response(
                status=401,
                body=message.encode(),
                headers={"WWW-Authenticate": 'Basic realm="Gitea Package API"'},
                media="text/plain",
            )
        if not file.endswith((".tar.bz2", ".conda")):
            return _reason(400, "Bad Request", "")
        try:
            index = index_in(request.body)
        except (BadZipFile, ValueError, KeyError, StopIteration) as error:
            return _reason(400, "Bad Request", f"package is invalid: {error}")
        if self.quota is not None:
            return _reason(403, "Forbidden", self.quota)
        named = f"{index['name']}-{index['version']}-{index['build']}.conda"
        place = f"{channel or ''}{index['subdir']}/{named}"
        if place in self.packages:
            return _reason(409, "Conflict", "package file already exists")
        self.packages[place] = request.body[:-1] + b"?" if self.corrupts else request.body
        digest = hashlib.sha256(request.body).hexdigest()
        self.described[place] = {
            **{key: index.get(key) for key in STATED},
            "subdir": index["subdir"],
            "md5": hashlib.md5(request.body, usedforsecurity=False).hexdigest(),
            "sha256": digest,
            "size": len(request.body),
        }
        self.writes.append((named, digest))
        return Response(status=201)

    def get_package(self, request: Request, channel: str | None, subdir: str, file: str) -> Response:
        folder = f"{channel or ''}{subdir}/"
        if file == "repodata.json":
            listed = {
                place.removeprefix(folder): entry
                for place, entry in self.described.items()
                if place.rpartition("/")[0] + "/" == folder
            }
            if not listed:
                return _reason(404, "Not Found", "")
            document = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": listed, "removed": {}}
            return as_json(200, document)
        data = self.packages.get(folder + file)
        if data is None:
            return _reason(404, "Not Found", "")
        return Response(status=200, body=data, media="application/octet-stream")

    def list_packages(self, request: Request, owner: str) -> Response:
        if not self._signed(request):
            return _message(401, "token is required")
        if owner != OWNER:
            return _message(404, f"user redirect does not exist [name: {owner}]")
        names = sorted({entry["name"] for entry in self.described.values()})
        return as_json(
            200, [{"id": number, "name": name, "type": "conda"} for number, name in enumerate(names)]
        )

    # The repository.

    def repo(self, request: Request) -> Response:
        if not self._signed(request):
            return _message(401, "invalid username, password or token")
        permissions = {"admin": self.is_admin, "push": self.may_push, "pull": True}
        return as_json(
            200,
            {
                "id": 1,
                "full_name": f"{OWNER}/{REPOSITORY}",
                "default_branch": "main",
                "has_releases": self.has_releases,
                "permissions": permissions,
            },
        )

    def branch_protections(self, request: Request) -> Response:
        if not self._signed(request):
            return _message(401, "token is required")
        if not self.is_admin:
            return _message(403, "user should be an owner or a collaborator with admin write of a repository")
        return as_json(200, self.protections)

    def branch(self, request: Request, name: str) -> Response:
        """What everyone sees who can read the branch."""
        if not self._signed(request):
            return _message(401, "token is required")
        rule = next((rule for rule in self.protections if rule["rule_name"] == name), {})
        shown = {key: rule.get(key, 0) for key in ("required_approvals", "enable_status_check")}
        return as_json(200, {"name": name, "protected": bool(rule), **shown})

    def list_releases(self, request: Request) -> Response:
        if not self._signed(request):
            return _message(401, "token is required")
        shown = [
            self._shown(release)
            for release in sorted(self.releases.values(), key=lambda release: -release["id"])
            if not release["is_tag"] and (self.may_push or not release["draft"])
        ]
        rows = page_of(shown, request, size="limit", longest=self.rows)
        return as_json(200, rows, X_Total_Count=str(len(shown)))

    def create_release(self, request: Request) -> Response:
        if refusal := self._unwritable(request):
            return refusal
        asked = request.json
        if not asked.get("tag_name"):
            return _message(422, "[TagName]: Required")
        known = {release["tag_name"]: release for release in self.releases.values()}
        release = known.get(asked["tag_name"])
        if release is not None and not release["is_tag"]:
            return _message(409, "Release is has no Tag")
        if release is None:
            number = self.next_id()
            release = self.releases[number] = {"id": number}
        release.update(
            tag_name=asked["tag_name"],
            target_commitish=asked.get("target_commitish") or "main",
            name=asked.get("name", ""),
            body=asked.get("body", ""),
            draft=bool(asked.get("draft")),
            prerelease=bool(asked.get("prerelease")),
            html_url=f"https://git.test/{OWNER}/{REPOSITORY}/releases/tag/{asked['tag_name']}",
            created_at=NOW,
            published_at=NOW,
            is_tag=False,
        )
        return as_json(201, self._shown(release))

    def edit_release(self, request: Request, number: int) -> Response:
        if refusal := self._unwritable(request):
            return refusal
        release = self.releases.get(number)
        if release is None:
            return _message(404, "Not Found")
        changes = {
            key: value for key, value in request.json.items() if key in {"draft", "prerelease", "body"}
        }
        release.update(changes)
        return as_json(200, self._shown(release))

    def list_assets(self, request: Request, number: int) -> Response:
        if not self._signed(request):
            return _message(401, "token is required")
        if number not in self.releases:
            return _message(404, "Not Found")
        return as_json(200, assets_of(number, self.attachments))

    def upload(self, request: Request, number: int) -> Response:
        if refusal := self._unwritable(request):
            return refusal
        if number not in self.releases:
            return _message(404, "Not Found")
        try:
            headers, data = multipart(request, {"attachment"})["attachment"]
        except (ValueError, KeyError):
            return _message(400, "request Content-Type isn't multipart/form-data")
        stated = re.search(r'filename="([^"]+)"', headers["content-disposition"])
        name = request.query.get("name") or (stated[1] if stated else "")
        if self.allowed_types and not name.endswith(self.allowed_types):
            return _message(400, "This file cannot be uploaded or modified due to a forbidden file extension")
        if name in self.late and self.late[name] is None:
            self.late[name] = data
            return _message(502, "Bad Gateway")
        made = self._add(request, number, name, data)
        lost = self.late.pop(name, None)
        if lost is not None:
            self._add(request, number, name, lost)
        return as_json(201, made)

    def delete_attachment(self, request: Request, number: int, attachment: int) -> Response:
        if refusal := self._unwritable(request):
            return refusal
        known = self.attachments.get(attachment)
        if known is None or known["release"] != number:
            return _message(404, "Not Found")
        del self.contents[known["uuid"]], self.attachments[attachment]
        return Response(status=204)

    def download(self, request: Request, key: str) -> Response:
        data = self.contents.get(key)
        if data is None or not self._signed(request):
            return Response(status=404, body=b"<html>Not Found</html>", media="text/html")
        return Response(status=200, body=data, media="application/octet-stream")

    def version(self, request: Request) -> Response:
        return as_json(200, {"version": "1.27.0"})

    def _unwritable(self, request: Request) -> Response | None:
        if not self._signed(request):
            return _message(401, "token is required")
        if not self.may_push:
            return _message(403, "user should have a permission to write to a repo")
        return None if self.has_releases else _message(404, "Not Found")

    def _add(self, request: Request, release: int, name: str, data: bytes) -> dict[str, Any]:
        number = self.next_id()
        key = str(uuid.UUID(int=number))
        self.contents[key] = data
        self.writes.append((name, hashlib.sha256(data).hexdigest()))
        self.attachments[number] = {
            "id": number,
            "name": name,
            "size": len(data),
            "download_count": 0,
            "created_at": NOW,
            "uuid": key,
            # The name that the server gives itself, which no client here can reach.
            "browser_download_url": f"https://git.test/attachments/{key}",
            "release": release,
        }
        return public(self.attachments[number])

    def _shown(self, release: Mapping[str, Any]) -> dict[str, Any]:
        public = {key: value for key, value in release.items() if key != "is_tag"}
        return {**public, "assets": assets_of(release["id"], self.attachments)}


def _reason(status: int, reason: str, message: str) -> Response:
    return as_json(status, {"reason": reason, "message": message})


def _message(status: int, text: str) -> Response:
    return Response(
        status=status, body=json.dumps({"message": text, "url": "https://git.test/api/swagger"}).encode()
    )


_NAME = r"[\w.-]+"
ROUTES: Routes = (
    ("PUT", rf"{CONDA}/({_NAME}/)?({_NAME})", Gitea.put_package),
    ("GET", rf"{CONDA}/({_NAME}/)?({_NAME})/({_NAME})", Gitea.get_package),
    ("GET", rf"/api/v1/packages/({_NAME})", Gitea.list_packages),
    ("GET", f"{REPO}/branch_protections", Gitea.branch_protections),
    ("GET", rf"{REPO}/branches/({_NAME})", Gitea.branch),
    *release_routes(Gitea, REPO),
    ("DELETE", rf"{REPO}/releases/(\d+)/assets/(\d+)", Gitea.delete_attachment),
    ("GET", r"/attachments/([0-9a-f-]{36})", Gitea.download),
    ("GET", "/api/v1/version", Gitea.version),
)
