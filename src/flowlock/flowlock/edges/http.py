"""The one place that opens HTTP sessions: what is sent where, redirects, limits, refusals as data."""

import hashlib
import io
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import BinaryIO, Protocol
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter

from flowlock.edges import address, certificates, masking
from flowlock.edges.address import ServerOrigin
from flowlock.edges.credentials import Credential, basic
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, PassingError, RetryPolicy, persist, retry_after
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

PASSING = (429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
# These keep method and body; what a client makes of the others differs.
SAME_METHOD = (307, 308)
MOST_REDIRECTS, MOST_DIGITS = 5, 19
READS = ("GET", "HEAD")
BLOCK = 1 << 18
# Of a refusal no more is read, and of that no more is shown.
REFUSAL_LIMIT, REFUSAL_SHOWN = 64_000, 300


class AnswerKind(Enum):
    """What is requested: the most bytes that are read of it, and how many read timeouts it may take."""

    TOKEN = (64_000, 1)
    MESSAGE = (16_000_000, 1)
    INDEX = (1_000_000_000, 10)
    FILE = (8_000_000_000, 60)

    @property
    def limit(self) -> int:
        """The most bytes."""
        return self.value[0]

    @property
    def timeouts(self) -> int:
        """How many times the longest silence the whole answer may take."""
        return self.value[1]


class _Session(requests.Session):
    """Follows no redirect, and keeps no cookie: both would take what is ours to another server."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        # A body that is compressed in transit does not have the bytes of its digest, and has no size.
        self.headers["Accept-Encoding"] = "identity"

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: `exchange` decides."""


def session(*, connections: int = 8) -> requests.Session:
    """Return a session for requests from several threads; `call` retries what passes."""
    opened = _Session()
    opened.verify = certificates.authorities()
    adapter = HTTPAdapter(pool_maxsize=connections, pool_connections=connections)
    opened.mount("https://", adapter)
    opened.mount("http://", adapter)
    return opened


class Body(Protocol):
    """Bytes to send, of known length, that can be read again from the start for each try."""

    def __len__(self) -> int:
        """Return the number of bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes in blocks, from the start."""


class _Signature(requests.auth.AuthBase):
    """An auth object, even for no credential: without one, requests sends what ~/.netrc has."""

    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._credential is not None:
            self._credential.sign(request)
        return request


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """One request; `body` is bytes, or a Body that is streamed.

    `hidden` is a credential that is not sent, but must not be quoted. With `into` the answer's body goes
    there and is not kept in memory; without `keep_body` it is only hashed. `limit` is the most bytes of it,
    if that is less than its kind's. A status in `final` is the answer, although it often passes.
    """

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Body = b""
    credential: Credential | None = None
    hidden: Credential | None = None
    kind: AnswerKind = AnswerKind.MESSAGE
    limit: int | None = None
    keep_body: bool = True
    into: BinaryIO | None = None
    final: Collection[int] = ()

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return str(address.origin_of(self.url))

    @property
    def most(self) -> int:
        """The most bytes that are read of a success."""
        return self.kind.limit if self.limit is None else min(self.limit, self.kind.limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A server's final word: status, headers by lower-case name, body (or its digest and size only)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    sha256: Sha256 | None = None
    size: int = 0

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def request_for(url: str, *, kind: AnswerKind, into: BinaryIO | None = None) -> HttpRequest:
    """Return a GET of a URL as a tool configured it: its user info becomes a credential."""
    return HttpRequest(
        method="GET",
        url=address.without_user_info(url),
        credential=basic(url),
        kind=kind,
        into=into,
        keep_body=into is None,
    )


def call(
    opened: requests.Session,
    request: HttpRequest,
    *,
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
    landed: Callable[[], Answer | None] | None = None,
    code: str = "FL811",
) -> Answer:
    """Send a request until the server has given its final answer, and return its answer, a refusal too.

    Connection faults, timeouts, resets in mid-body, 429, 5xx and rate limits are tried again. For a request
    that must not happen twice, `landed` looks before each further try whether the last one did happen, and
    returns the answer that stands for it.
    """
    return persist(
        lambda: exchange(opened, request, retry_policy=retry_policy),
        f"{request.method} {request.host}",
        retry_policy=retry_policy,
        landed=landed,
        code=code,
    )


def get(
    opened: requests.Session, request: HttpRequest, *, retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY
) -> Answer:
    """Return a success; anything else is a FlowlockError that names host and reason."""
    answer = call(opened, request, retry_policy=retry_policy, code="FL022")
    if not answer.ok:
        raise FlowlockError(
            f"cannot download from {request.host}: {answer.status}{reason(request, answer)}",
            code="FL022",
            hint="check the network and the proxy settings, then run the same command again",
        )
    return answer


def exchange(
    opened: requests.Session, request: HttpRequest, *, retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY
) -> Answer:
    """Send a request once, and again where the server redirects it; PassingError if another try may help.

    No credential and no header goes to another server than the one that the request names, and no
    body is sent twice to get there.
    """
    current = request
    for _ in range(MOST_REDIRECTS + 1):
        _require_secrecy(current)
        with _sent(opened, current, retry_policy) as response:
            following = _redirected(current, response)
            if following is None:
                answer = _read(response, current, retry_policy)
                _raise_passing(current, answer)
                return answer
        current = following
    raise _refused(request, f"redirects more than {MOST_REDIRECTS} times")


def _require_secrecy(request: HttpRequest) -> None:
    if request.credential is not None and not address.origin_of(request.url).keeps_secrets:
        raise FlowlockError(
            f"a credential for {request.host} would be sent unencrypted",
            code="FL854",
            hint="use https:// in the address; http:// is only allowed for this machine",
        )


@contextmanager
def _sent(
    opened: requests.Session, request: HttpRequest, retry_policy: RetryPolicy
) -> Iterator[requests.Response]:
    """Send one request; the library's errors become ours, also those while the answer is read."""
    try:
        with opened.request(
            request.method,
            request.url,
            params=dict(request.query),
            headers=dict(request.headers),
            data=request.body or None,
            auth=_Signature(request.credential),
            stream=True,
            allow_redirects=False,
            timeout=(retry_policy.connect, retry_policy.read),
        ) as response:
            yield response
    except requests.exceptions.SSLError as error:
        if isinstance(_innermost(error), ssl.SSLCertVerificationError):
            raise FlowlockError(
                f"the certificate of {request.host} cannot be verified: {_reason(request, error)}",
                code="FL025",
                hint="if a proxy inspects the traffic, set SSL_CERT_FILE to the file with its certificates",
            ) from error
        raise PassingError(_reason(request, error)) from error
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise PassingError(_reason(request, error)) from error
    except (requests.RequestException, UnicodeError) as error:
        raise FlowlockError(
            f"cannot reach {request.host}: {_reason(request, error)}", code="FL022"
        ) from error


def _redirected(request: HttpRequest, response: requests.Response) -> HttpRequest | None:
    """Return the request that a redirect asks for, None for any other answer.

    A read may go to another server, as anybody's would. What sends something stays with its server, and keeps
    its method: otherwise it is refused.
    """
    location = response.headers.get("location")
    if response.status_code not in REDIRECTS or not location:
        return None
    url, origin = _location(request, location)
    before = address.origin_of(request.url)
    if origin == before and (request.method in READS or response.status_code in SAME_METHOD):
        return replace(request, url=url, query={})
    if request.method not in READS:
        raise _refused(
            request,
            f"redirects {request.method} to {origin}; flowlock does not follow redirects to other servers",
        )
    if before.scheme == "https" and origin.scheme != "https":
        raise _refused(request, f"redirects to {origin}, which is not an https address")
    return replace(
        request, url=url, query={}, headers={}, credential=None, hidden=request.credential or request.hidden
    )


def _location(request: HttpRequest, location: str) -> tuple[str, ServerOrigin]:
    try:
        url = address.without_user_info(urljoin(request.url, location))
        return url, address.origin_of(url)
    except (FlowlockError, ValueError) as error:
        raise _refused(request, "redirects to an invalid address") from error


def _read(response: requests.Response, request: HttpRequest, retry_policy: RetryPolicy) -> Answer:
    """Read a body within its kind's limits; what a refusal says is cut instead."""
    answer = Answer(
        status=response.status_code,
        headers={name.lower(): str(value) for name, value in response.headers.items()},
    )
    blocks = _blocks(response, request, retry_policy)
    if not answer.ok:
        return replace(answer, body=_cut(blocks))
    _require_readable(request, answer.headers)
    keep = io.BytesIO() if request.keep_body else None
    sink = request.into or keep
    if sink is not None:
        # What an earlier try wrote is not a part of this body.
        sink.seek(0)
        sink.truncate()
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        size += len(block)
        if size > request.most:
            raise _refused(request, f"sent more than {request.most:,} bytes")
        digest.update(block)
        if sink is not None:
            sink.write(block)
    body = keep.getvalue() if keep is not None else b""
    return replace(answer, body=body, sha256=Sha256(digest.hexdigest()), size=size)


def _blocks(response: requests.Response, request: HttpRequest, retry_policy: RetryPolicy) -> Iterator[bytes]:
    """Yield a body as it comes; one that takes too long in all is a PassingError."""
    until = time.monotonic() + retry_policy.read * request.kind.timeouts
    while block := response.raw.read1(BLOCK, decode_content=False):
        if time.monotonic() > until:
            raise PassingError(f"{request.host} sends data too slowly")
        yield block


def _cut(blocks: Iterator[bytes]) -> bytes:
    """Return the beginning of a refusal's body; the rest is not read."""
    body = b""
    for block in blocks:
        body += block
        if len(body) >= REFUSAL_LIMIT:
            break
    return body[:REFUSAL_LIMIT]


def _require_readable(request: HttpRequest, headers: Mapping[str, str]) -> None:
    """Refuse a success by its headers alone, where they say that its body is too large or compressed."""
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise _refused(request, "sent a compressed response, which was not requested")
    declared = headers.get("content-length", "").strip()
    # Any other text is the library's business, which refuses it. An answer to HEAD says what GET would send.
    is_size = request.method != "HEAD" and declared.isascii() and declared.isdecimal()
    if is_size and (len(declared) >= MOST_DIGITS or int(declared) > request.most):
        raise _refused(request, f"announces more than {request.most:,} bytes")


def _raise_passing(request: HttpRequest, answer: Answer) -> None:
    """Raise for a temporary refusal; a 403 with rate-limit headers is temporary (GitHub's)."""
    says_when = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    limited = answer.status == HTTPStatus.FORBIDDEN and says_when
    passes = answer.status in PASSING or answer.status > max(PASSING) or limited
    if passes and answer.status not in request.final:
        raise PassingError(
            f"{request.host} responded with {answer.status}{reason(request, answer)}",
            retry_after(answer.headers),
        )


def reason(request: HttpRequest, answer: Answer) -> str:
    """Return what a refusal says of itself, in one short line with no secret, as `: text` or nothing.

    Secrets are masked in the whole text, before it is cut: a part of one is one too.
    """
    line = shown(request, answer.body.decode("utf-8", "replace"))[:REFUSAL_SHOWN]
    return f": {line}" if line and not line.startswith("<") else ""


def shown(request: HttpRequest, text: str) -> str:
    """Return what a server or the network says as one line that may be printed."""
    for credential in (request.credential, request.hidden):
        text = credential.hide_in(text) if credential is not None else text
    return " ".join(masking.printable(masking.without_user_info(text)).split())


def _refused(request: HttpRequest, what: str) -> FlowlockError:
    return FlowlockError(
        f"{request.host} {what}",
        code="FL855",
        hint="check the address; if it is correct, the server or a proxy in front of it is misconfigured",
    )


def _reason(request: HttpRequest, error: BaseException) -> str:
    return shown(request, f"{type(error).__name__}: {_innermost(error)}")


def _innermost(error: BaseException) -> BaseException:
    """Return the innermost error: requests wraps urllib3, which wraps the socket's error."""
    inner = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return inner
