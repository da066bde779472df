"""Debian's docker-registry on loopback: open, with a password, or with tokens of an issuer in the tests."""

import base64
import http.client
import json
import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from servers import real
from servers.loopback import Request, Response, answering, as_json
from shared import require_part

PROGRAM = "docker-registry"
USER, PASSWORD = "ada", "registry-password-5f3a9c"
# What `htpasswd -B` makes of the password.
HTPASSWD = "ada:$2b$05$AAeY3gWLa5GwvUhO0OQ7V.kJfvB/wH7fylYnDx0x5paVyuDXCCste\n"
SERVICE, ISSUER = "registry.test", "issuer.test"
P256 = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """A registry that answers; `host` is how images name it. `issued` are the tokens of its issuer."""

    host: str
    folder: Path
    issued: list[str] = field(default_factory=list)

    def stored(self) -> dict[str, int]:
        """Return the sizes of all blobs in the registry's own storage, by their digests."""
        blobs = self.folder.glob("storage/docker/registry/v2/blobs/sha256/*/*/data")
        return {f"sha256:{path.parent.name}": path.stat().st_size for path in blobs}

    def tags(self, repository: str) -> dict[str, str]:
        """Return digest by tag, read from the registry's own storage."""
        folder = self.folder / f"storage/docker/registry/v2/repositories/{repository}/_manifests/tags"
        return {path.parent.parent.name: path.read_text() for path in folder.glob("*/current/link")}


@contextmanager
def open_registry(folder: Path) -> Iterator[Registry]:
    with _running(folder, {}) as registry:
        yield registry


@contextmanager
def password_registry(folder: Path) -> Iterator[Registry]:
    """Run a registry that USER may read and write with PASSWORD."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(HTPASSWD)
    settings = {"realm": "tests", "path": str(folder / "htpasswd")}
    with _running(folder, {"htpasswd": settings}) as registry:
        yield registry


@contextmanager
def token_registry(folder: Path) -> Iterator[Registry]:
    """Run a registry that takes tokens, which an issuer gives to USER for what is asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(folder / "roots.pem")
    issuer = _Issuer(authority.issue_cert("issuer.test", key_type=trustme.KeyType.ECDSA))
    with answering(issuer.answer) as url:
        settings = {
            "realm": f"{url}/token",
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": str(folder / "roots.pem"),
        }
        with _running(folder, {"token": settings}, issuer.issued) as registry:
            yield registry


class _Issuer:
    """Gives tokens (JSON Web Tokens, signed with ES256) to USER."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        leaf = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
        self._chain = [base64.b64encode(leaf.public_bytes(serialization.Encoding.DER)).decode()]
        self.issued: list[str] = []

    def answer(self, request: Request) -> Response:
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return as_json(401, {"details": "who are you?"})
        access = [_access(scope) for scope in request.query.get("scope", "").split()]
        token = self._token(access)
        self.issued.append(token)
        return as_json(200, {"token": token, "expires_in": 300})

    def _token(self, access: list[dict[str, Any]]) -> str:
        now = int(time.time())
        header = {"typ": "JWT", "alg": "ES256", "x5c": self._chain}
        claims = {
            "iss": ISSUER,
            "sub": USER,
            "aud": SERVICE,
            "jti": str(len(self.issued)),
            "iat": now,
            "nbf": now - 10,
            "exp": now + 300,
            "access": access,
        }
        signed = f"{_url_safe(json.dumps(header).encode())}.{_url_safe(json.dumps(claims).encode())}"
        numbers = utils.decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_url_safe(b''.join(number.to_bytes(P256, 'big') for number in numbers))}"


def _access(scope: str) -> dict[str, Any]:
    kind, name, actions = scope.split(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextmanager
def _running(folder: Path, auth: dict[str, Any], issued: list[str] | None = None) -> Iterator[Registry]:
    require_part(found=shutil.which(PROGRAM) is not None, part=PROGRAM)
    folder.mkdir(parents=True, exist_ok=True)
    port = real.free_port()
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "one for all", "relativeurls": True},
        "auth": auth,
    }
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(settings))
    command = [PROGRAM, "serve", str(folder / "config.yml")]
    with real.serving(command, f"http://127.0.0.1:{port}", "/v2/", folder):
        yield Registry(host=f"127.0.0.1:{port}", folder=folder, issued=[] if issued is None else issued)


def served(registry: Registry, repository: str, reference: str) -> bytes:
    """Return a manifest as an open registry serves it, not through our own client."""
    url = f"http://{registry.host}/v2/{repository}/manifests/{reference}"
    accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request) as answer:
        data: bytes = answer.read()
        return data


def forwarded(request: Request, registry: Registry) -> Response:
    """Return what a registry answers to a request that another server was sent."""
    upstream = http.client.HTTPConnection(registry.host, timeout=60)
    try:
        kept = {n: v for n, v in request.headers.items() if n not in {"host", "connection", "authorization"}}
        upstream.request(request.method, request.target, request.body or None, kept)
        answer = upstream.getresponse()
        dropped = {"connection", "transfer-encoding", "content-length", "content-type", "date", "server"}
        headers = {n: v for n, v in answer.getheaders() if n.lower() not in dropped}
        media = answer.getheader("content-type", "application/octet-stream")
        return Response(status=answer.status, body=answer.read(), headers=headers, media=media)
    finally:
        upstream.close()
