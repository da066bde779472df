"""How Gitea lets clients into its container registry, before an open docker-registry.

Written by hand from Gitea's description: the challenge names a token server that asks for user name and
token, and the token that it issues is for everything that the user may do.
"""

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from servers.loopback import Request, Response, answering, as_json
from servers.registry import Registry, forwarded, open_registry


@dataclass(kw_only=True)
class _Door:
    registry: Registry
    user: str
    token: str
    issued: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, request: Request) -> Response:
        if request.path == "/v2/token":
            return self._issue(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.issued:
            realm = f'Bearer realm="{self.url}/v2/token",service="container_registry",scope="*"'
            errors = [{"code": "UNAUTHORIZED", "message": ""}]
            return as_json(401, {"errors": errors}, WWW_Authenticate=f'{realm}, Basic realm="Gitea"')
        return forwarded(request, self.registry)

    def _issue(self, request: Request) -> Response:
        expected = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return as_json(401, {"errors": [{"code": "UNAUTHORIZED", "message": ""}]})
        self.issued.append(secrets.token_hex(16))
        return as_json(200, {"token": self.issued[-1]})


@contextmanager
def gitea_registry(folder: Path, user: str, token: str) -> Iterator[Registry]:
    """Run a registry that a user may write with a token of Gitea; `host` is the door's."""
    with open_registry(folder) as behind:
        door = _Door(registry=behind, user=user, token=token)
        with answering(door.answer) as url:
            door.url = url
            yield Registry(host=urlsplit(url).netloc, folder=behind.folder, issued=door.issued)
