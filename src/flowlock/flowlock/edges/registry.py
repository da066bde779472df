"""A repository of a container registry: the one client of the distribution API (OCI distribution 1.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from urllib.request import parse_http_list, parse_keqv_list

from pydantic import BaseModel

from flowlock.edges import address, files, http, shapes
from flowlock.edges.credentials import Basic, Credential, Header
from flowlock.edges.http import Answer, AnswerKind, HttpRequest
from flowlock.edges.http_client import Refusals
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy, persist
from flowlock.edges.secret import Secret
from flowlock.errors import FlowlockError

if TYPE_CHECKING:
    from requests import Session

CONTENT_DIGEST = "docker-content-digest"
OCTETS = "application/octet-stream"
BLOCK = 1 << 18
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?P<host>[A-Za-z0-9.-]+(?::[0-9]+)?|\[[0-9a-f:]+\](?::[0-9]+)?)/(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
# The name that people use, and the server.
_SERVERS = {"docker.io": "registry-1.docker.io"}
_BEARER = re.compile(r"(?i)\bbearer\s+(?P<parameters>.*)")
_RANGE = re.compile(r"(?:bytes=)?0-(?P<last>[0-9]{1,18})")
_REFUSALS = Refusals(
    denied="FL911",
    rejected="FL911",
    malformed="FL912",
    hints={
        HTTPStatus.UNAUTHORIZED: "set REGISTRY_USERNAME and REGISTRY_PASSWORD, add the registry to the "
        "keyring, or run `docker login`",
        HTTPStatus.FORBIDDEN: "the credential does not have access to the repository: grant it, or use "
        "another",
    },
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageName:
    """The address of an image: `HOST/REPOSITORY`, with a tag or a digest where one is named."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> "ImageName":
        """Return the address that a text is; any other text is an error."""
        match = _NAME.fullmatch(text)
        host = match["host"] if match else ""
        if match is None or not (set(".:") & set(host) or host == "localhost"):
            raise FlowlockError(
                f"`{text}` is not the address of an image",
                code="FL910",
                hint="write HOST/REPOSITORY, for example ghcr.io/octo/penguins, without https://",
            )
        return cls(
            host=host,
            repository=match["repository"],
            tag=match["tag"] or "",
            digest=match["digest"] or "",
        )

    @property
    def server(self) -> str:
        """The URL of the registry; only one on this machine is reached without encryption."""
        named = _SERVERS.get(self.host, self.host)
        is_local = address.origin_of(f"http://{named}").is_loopback
        return f"{'http' if is_local else 'https'}://{named}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.repository}{tag}{digest}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedManifest:
    """A manifest or an index as a registry serves it."""

    data: bytes
    media_type: str
    digest: str


class _Token(BaseModel):
    token: str = ""
    access_token: str = ""


class FilePart:
    """A part of a file as the body of a request, read again for each attempt."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._path, self._start, self._size = path, start, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as stream:
            stream.seek(self._start)
            while block := stream.read(BLOCK):
                yield block


class ImageRepository:
    """A repository of a registry; one session, whose credential follows what the registry asks for."""

    def __init__(
        self,
        name: ImageName,
        login: Basic | None,
        *,
        connections: int = 4,
        offline: bool = False,
        retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
    ) -> None:
        self.name = name
        self._url = f"{name.server}/v2/{name.repository}"
        self._login = login
        self._session: Session = http.session(connections=connections)
        self._retry_policy = retry_policy
        self._offline = offline
        self._credential: Credential | None = None

    def check(self) -> None:
        """See that the registry answers and takes the credential, before anything slow."""
        self._accept(self._call(HttpRequest(method="GET", url=f"{self.name.server}/v2/")), "access")

    def lists_referrers(self, digest: str) -> bool:
        """Return whether the registry lists by itself what refers to a manifest (API of version 1.1)."""
        answer = self._call(HttpRequest(method="GET", url=f"{self._url}/referrers/{digest}"))
        return self._accept(answer, "to list what is attached", also=(HTTPStatus.NOT_FOUND,)).ok

    def digest(self, reference: str, accept: str) -> str | None:
        """Return the digest that a tag or digest stands for, None if the registry has no such manifest."""
        answer = self._ask_for_manifest("HEAD", reference, accept)
        if not answer.ok:
            return None
        stated = answer.headers.get(CONTENT_DIGEST)
        if stated:
            return stated
        served = self.manifest(reference, accept)
        return served.digest if served else None

    def manifest(self, reference: str, accept: str) -> ServedManifest | None:
        """Return a manifest by tag or digest, None if there is none; its bytes are those of its digest."""
        answer = self._ask_for_manifest("GET", reference, accept)
        if not answer.ok:
            return None
        digest = f"sha256:{answer.sha256}"
        if reference.startswith("sha256:") and digest != reference:
            raise self._altered(reference)
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        return ServedManifest(data=answer.body, media_type=media_type, digest=digest)

    def _ask_for_manifest(self, method: str, reference: str, accept: str) -> Answer:
        url = f"{self._url}/manifests/{reference}"
        answer = self._call(HttpRequest(method=method, url=url, headers={"Accept": accept}))
        return self._accept(answer, f"to serve {reference}", also=(HTTPStatus.NOT_FOUND,))

    def put_manifest(self, reference: str, data: bytes, media_type: str) -> None:
        """Store a manifest under a tag or its digest."""
        url = f"{self._url}/manifests/{reference}"
        headers = {"Content-Type": media_type}
        answer = self._call(HttpRequest(method="PUT", url=url, headers=headers, body=data))
        self._accept(answer, f"the manifest {reference}")

    def has_blob(self, digest: str) -> bool:
        """Return whether the repository has a blob."""
        answer = self._call(HttpRequest(method="HEAD", url=f"{self._url}/blobs/{digest}"))
        return self._accept(answer, f"to show {digest}", also=(HTTPStatus.NOT_FOUND,)).ok

    def download(self, digest: str, target: Path) -> None:
        """Write a blob to a file, whole and with its digest, or not at all."""
        with files.replacing(target) as stream:
            url = f"{self._url}/blobs/{digest}"
            request = HttpRequest(method="GET", url=url, kind=AnswerKind.FILE, keep_body=False, into=stream)
            answer = self._accept(self._call(request), f"to serve {digest}")
            if f"sha256:{answer.sha256}" != digest:
                raise self._altered(digest)

    def mount(self, digest: str, source: str) -> bool:
        """Take a blob from another repository of the registry; return whether the registry did so."""
        query = {"mount": digest, "from": source}
        answer = self._call(HttpRequest(method="POST", url=f"{self._url}/blobs/uploads/", query=query))
        # Without access to the source, an upload begins instead, which is not used.
        return answer.status == HTTPStatus.CREATED

    def upload(self, path: Path, digest: str) -> None:
        """Send a blob; after a fault it is continued where the registry has it to."""
        sending = _Upload(self, path, digest)
        persist(sending.advance, f"{self.name}: {digest}", retry_policy=self._retry_policy)

    def begin_upload(self) -> str:
        """Return the URL of a new upload."""
        request = HttpRequest(method="POST", url=f"{self._url}/blobs/uploads/")
        return self.following(self._accept(self._exchange(request), "an upload"), request.url)

    def send_part(self, url: str, body: FilePart, start: int) -> Answer:
        """Send the rest of a blob to its upload, once."""
        headers = {"Content-Type": OCTETS, "Content-Range": f"{start}-{start + len(body) - 1}"}
        request = HttpRequest(method="PATCH", url=url, headers=headers, body=body)
        return self._accept(self._exchange(request), "a part of a blob")

    def finish_upload(self, url: str, digest: str) -> None:
        """Let the registry check an upload and keep it."""
        joined = "&" if "?" in url else "?"
        headers = {"Content-Type": OCTETS}
        request = HttpRequest(method="PUT", url=f"{url}{joined}digest={digest}", headers=headers)
        self._accept(self._exchange(request), f"the blob {digest}")

    def upload_state(self, url: str) -> Answer:
        """Return what the registry says of an upload."""
        answer = self._exchange(HttpRequest(method="GET", url=url))
        return self._accept(answer, "to show an upload", also=(HTTPStatus.NOT_FOUND,))

    def following(self, answer: Answer, url: str) -> str:
        """Return where an upload goes on; an address of another server is refused."""
        location = urljoin(url, answer.headers.get("location", url))
        if address.origin_of(location) != address.origin_of(self._url):
            raise FlowlockError(
                f"{self.name.host} sends uploads to another server, {address.origin_of(location)}",
                code="FL912",
                hint="check the address; behind a proxy, the registry needs to know its own address",
            )
        return location

    def _call(self, request: HttpRequest) -> Answer:
        """Send a request that may happen twice, until it has its final answer."""
        what = f"{request.method} {self.name.host}"
        return persist(partial(self._exchange, request), what, retry_policy=self._retry_policy)

    def _exchange(self, request: HttpRequest) -> Answer:
        """Send a request once, and once more with the credential that the registry then asks for."""
        if self._offline:
            raise FlowlockError(
                f"{self.name} cannot be reached: --offline does not allow it",
                code="FL413",
                hint="run the same command once without --offline",
            )
        answer = self._signed(request)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._answer_challenge(answer):
            answer = self._signed(request)
        return answer

    def _signed(self, request: HttpRequest) -> Answer:
        signed = replace(request, credential=self._credential, hidden=self._login)
        return http.exchange(self._session, signed, retry_policy=self._retry_policy)

    def _answer_challenge(self, answer: Answer) -> bool:
        """Take the credential that a refusal asks for; return whether it is another one than before."""
        challenge = answer.headers.get("www-authenticate", "")
        bearer = _BEARER.search(challenge)
        if bearer is not None:
            self._credential = self._token(bearer["parameters"])
            return True
        is_new = self._login is not None and self._credential is not self._login
        self._credential = self._login
        return is_new and challenge.lower().startswith("basic")

    def _token(self, parameters: str) -> Credential:
        """Return the token for the scope of a challenge, from the server that it names (RFC 6750)."""
        stated = parse_keqv_list([part for part in parse_http_list(parameters) if "=" in part])
        realm = urljoin(self._url, stated.get("realm", ""))
        query: dict[str, str] = {name: stated[name] for name in ("service", "scope") if name in stated}
        request = HttpRequest(
            method="GET", url=realm, query=query, credential=self._login, kind=AnswerKind.TOKEN
        )
        answer = http.call(self._session, request, retry_policy=self._retry_policy)
        self._accept(answer, "a token")
        what = f"the token of {request.host}"
        token = shapes.parsed(_Token, answer.body, what=what, code="FL912")
        secret = Secret.or_none(token.token or token.access_token, name=what)
        if secret is None:
            raise FlowlockError(f"{request.host} issued no token", code="FL912", hint="check the credential")
        return Header(secret=secret)

    def _accept(self, answer: Answer, doing: str, *, also: tuple[int, ...] = ()) -> Answer:
        secrets = HttpRequest(method="", url="", credential=self._credential, hidden=self._login)
        return _REFUSALS.accept(answer, str(self.name), doing, also=also, secrets=secrets)

    def _altered(self, digest: str) -> FlowlockError:
        return FlowlockError(
            f"{self.name.host} serves other bytes for {digest}",
            code="FL913",
            hint="run the same command again; if the problem persists, the registry or a proxy alters files",
        )


class _Upload:
    """A blob under way: where its upload is, and how much of it the registry has."""

    def __init__(self, repository: ImageRepository, path: Path, digest: str) -> None:
        self._repository, self._path, self._digest = repository, path, digest
        self._size = path.stat().st_size
        self._url = ""
        self._sent = 0
        self._is_certain = True

    def advance(self) -> None:
        """Send what the registry lacks; after a PassingError, the next call finds out what that is."""
        if not self._is_certain and self._is_complete():
            return
        if not self._url:
            self._url, self._sent = self._repository.begin_upload(), 0
        self._is_certain = False
        if self._sent < self._size:
            rest = FilePart(self._path, self._sent, self._size - self._sent)
            answer = self._repository.send_part(self._url, rest, self._sent)
            self._url = self._repository.following(answer, self._url)
        self._repository.finish_upload(self._url, self._digest)

    def _is_complete(self) -> bool:
        """Ask what happened to the last attempt: the blob may be there, a part of it, or nothing."""
        if self._repository.has_blob(self._digest):
            return True
        answer = self._repository.upload_state(self._url) if self._url else None
        stated = (
            _RANGE.fullmatch(answer.headers.get("range", "")) if answer is not None and answer.ok else None
        )
        last = int(stated["last"]) if stated else 0
        # `0-0` is what a registry says of one byte, and some of none: such an upload begins again.
        if last == 0 or last >= self._size or answer is None:
            self._url, self._sent = "", 0
        else:
            self._url, self._sent = self._repository.following(answer, self._url), last + 1
        return False
