"""A registry that lists what refers to an image by itself, as version 1.1 of OCI's distribution API has it.

Written by hand from that description, before an open docker-registry, whose version does not do so.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from servers.loopback import Request, Response, answering
from servers.registry import Registry, forwarded, open_registry

INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(kw_only=True)
class _Lister:
    registry: Registry
    # The descriptors of manifests by what they refer to.
    listed: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def answer(self, request: Request) -> Response:
        before, found, digest = request.path.rpartition("/referrers/")
        if found and request.method == "GET" and before.startswith("/v2/"):
            index = {
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [*self.listed.get(digest, {}).values()],
            }
            return Response(status=200, body=json.dumps(index).encode(), media=INDEX)
        answer = forwarded(request, self.registry)
        if request.method == "PUT" and "/manifests/" in request.path and answer.status == 201:
            self._list(request.body)
        return answer

    def _list(self, data: bytes) -> None:
        manifest = json.loads(data)
        if "subject" in manifest:
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            descriptor = {
                "mediaType": manifest["mediaType"],
                "artifactType": manifest["artifactType"],
                "digest": digest,
                "size": len(data),
            }
            self.listed.setdefault(manifest["subject"]["digest"], {})[digest] = descriptor


@contextmanager
def listing_registry(folder: Path) -> Iterator[Registry]:
    """Run an open registry with the referrers API."""
    with open_registry(folder) as behind, answering(_Lister(registry=behind).answer) as url:
        yield Registry(host=urlsplit(url).netloc, folder=behind.folder, issued=behind.issued)
