"""A stateful stand-in for prefix.dev, strict about what its API asks for."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from servers.loopback import Request, Response, as_json, multipart
from servers.packages import index_in

UPLOAD = re.compile(r"/api/v1/upload/([^/]+)")
FILE = re.compile(r"/([^/]+)/([^/]+)/([^/]+\.conda)")
INDEX = re.compile(r"/([^/]+)/([^/]+)/repodata\.json")
PART_HEADERS = {"content-type", "content-length", "x-file-name", "x-file-sha256", "content-disposition"}


@dataclass(kw_only=True)
class PrefixDev:
    """Channels by name, each place → bytes; `writes` lists every byte string ever stored at a place."""

    tokens: set[str]
    channels: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"flowlock": {}})
    writes: list[tuple[str, str]] = field(default_factory=list)
    described: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    attestations: dict[str, bytes] = field(default_factory=dict)
    identity_tokens: Mapping[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    # What a server that lies does: stores other bytes than it was sent, under the digest that it was told.
    corrupts: bool = False
    lock: Lock = field(default_factory=Lock)

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.requests.append(request)
            if request.method == "POST" and request.path == "/api/oidc/mint_token":
                return self._mint(request)
            if request.method == "GET" and request.path == "/actions/token":
                return self._identity(request)
            if request.method == "POST" and (found := UPLOAD.fullmatch(request.path)):
                return self._upload(request, found[1])
            if request.method in {"GET", "HEAD"}:
                return self._read(request)
            return as_json(405, {"error": "method not allowed"})

    def _identity(self, request: Request) -> Response:
        """GitHub Actions' end of trusted publishing."""
        if request.headers.get("authorization") != "Bearer actions-request-token":
            return as_json(401, {"error": "bad request token"})
        return as_json(200, {"value": f"identity-for-{request.query['audience']}"})

    def _mint(self, request: Request) -> Response:
        minted = self.identity_tokens.get(request.json["token"])
        if minted is None:
            return Response(status=403, body=b"not a trusted publisher", media="text/plain")
        self.tokens.add(minted)
        return Response(status=200, body=minted.encode(), media="text/plain")

    def _upload(self, request: Request, channel: str) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            return as_json(401, {"error": f"invalid token {token}"})
        if channel not in self.channels:
            return as_json(404, {"error": f"no channel {channel}"})
        try:
            parts = multipart(request, {"file", "attestation"})
            file, data = _file(parts)
        except ValueError as error:
            return as_json(422, {"error": str(error)})
        index = index_in(data)
        place = f"{index['subdir']}/{file}"
        stored = self.channels[channel]
        if place in stored and request.query.get("force") != "true":
            return as_json(409, {"error": "the package exists"})
        stored[place] = data[:-1] + b"?" if self.corrupts else data
        digest = hashlib.sha256(data).hexdigest()
        self.described[channel, place] = {**index, "sha256": digest, "size": len(data)}
        self.writes.append((place, digest))
        if "attestation" in parts:
            self.attestations[place] = parts["attestation"][1]
        return as_json(200, {"ok": True})

    def _read(self, request: Request) -> Response:
        if found := INDEX.fullmatch(request.path):
            if found[1] not in self.channels:
                return as_json(404, {"error": "no such channel"})
            document = self._repodata(found[1], found[2])
            # Nothing makes an index before there is something to list.
            if not document["packages.conda"]:
                return as_json(404, {"error": "not found"})
            return as_json(200, document)
        if found := FILE.fullmatch(request.path):
            data = self.channels.get(found[1], {}).get(f"{found[2]}/{found[3]}")
            if data is not None:
                return Response(status=200, body=data, media="application/octet-stream")
        return as_json(404, {"error": "not found"})

    def _repodata(self, channel: str, subdir: str) -> dict[str, Any]:
        packages = {
            place.rpartition("/")[2]: entry
            for (known, place), entry in self.described.items()
            if known == channel and place.startswith(f"{subdir}/")
        }
        return {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages}


def _file(parts: Mapping[str, tuple[dict[str, str], bytes]]) -> tuple[str, bytes]:
    headers, data = parts["file"]
    if set(headers) != PART_HEADERS:
        raise ValueError(f"the part's headers are {sorted(headers)}")
    if headers["content-type"] != "application/octet-stream" or headers["content-length"] != str(len(data)):
        raise ValueError("the part's type or length is wrong")
    if headers["x-file-sha256"] != hashlib.sha256(data).hexdigest():
        raise ValueError("X-File-SHA256 is not the file's")
    index = index_in(data)
    file = headers["x-file-name"]
    if file != f"{index['name']}-{index['version']}-{index['build']}.conda":
        raise ValueError("X-File-Name is not the package's")
    if "attestation" in parts:
        json.loads(parts["attestation"][1])
    return file, data
