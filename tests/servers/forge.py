"""What the stand-ins for GitHub and Gitea share: routes, pages of rows, and the state of releases."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from servers.loopback import Request, Response

NOW = "2026-11-01T00:00:00Z"
Routes = Sequence[tuple[str, str, Callable[..., Response]]]


@dataclass(kw_only=True)
class ReleaseServer:
    """One repository's releases; `writes` lists each (file name, sha256) that was ever stored."""

    token: str
    may_push: bool = True
    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    _last: int = 0

    def next_id(self) -> int:
        self._last += 1
        return self._last


def release_routes(server: Any, repository: str, *, uploads: str = "") -> Routes:
    """Return the requests that both forges answer, and how a class of stand-ins does."""
    releases = f"{repository}/releases"
    return (
        ("GET", repository, server.repo),
        ("GET", releases, server.list_releases),
        ("POST", releases, server.create_release),
        ("PATCH", rf"{releases}/(\d+)", server.edit_release),
        ("GET", rf"{releases}/(\d+)/assets", server.list_assets),
        ("POST", rf"{uploads}{releases}/(\d+)/assets", server.upload),
    )


def routed(server: object, routes: Routes, request: Request) -> Response | None:
    """Return what the first route for a request answers, None without one; a handler gets numbers as int."""
    for method, pattern, handler in routes:
        found = re.fullmatch(pattern, request.path)
        if request.method == method and found:
            parts = [int(part) if part and part.isdecimal() else part for part in found.groups()]
            return handler(server, request, *parts)
    return None


def page_of(
    rows: list[dict[str, Any]], request: Request, *, size: str, longest: int = 100
) -> list[dict[str, Any]]:
    """Return the rows of the requested page; `size` is how the forge calls the number of rows."""
    count = min(int(request.query.get(size, 30)), longest)
    page = int(request.query.get("page", 1))
    return rows[(page - 1) * count : page * count]


def assets_of(release: int, assets: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the files of a release as a client sees them."""
    return [public(asset) for asset in assets.values() if asset["release"] == release]


def public(asset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file of a release as a client sees it: without the key that the stand-in keeps."""
    return {key: value for key, value in asset.items() if key != "release"}
