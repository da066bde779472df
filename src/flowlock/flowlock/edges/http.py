"""The one place that opens HTTP sessions: retries, timeouts, streaming, refusals as data or our errors."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from flowlock.edges.secret import Secret
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 120.0
PASSING = (429, 500, 502, 503, 504)
BLOCK = 1 << 18
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long faults that pass are borne: tries, the first pause (it doubles), the longest pause, timeouts.

    All in seconds. A server's Retry-After is honoured up to `longest_wait`; one that asks for more has
    refused.
    """

    tries: int = 6
    first_pause: float = 0.5
    longest_pause: float = 30.0
    longest_wait: float = 300.0
    connect: float = CONNECT_TIMEOUT
    read: float = READ_TIMEOUT

    def pause(self, attempt: int, asked: float | None) -> float:
        """Return the seconds before the next try after `attempt` (from 0) failed."""
        doubled = self.first_pause * 2.0**attempt
        return min(doubled, self.longest_pause) if asked is None else asked


DEFAULT_PATIENCE = Patience()


class _TimeoutAdapter(HTTPAdapter):
    """Requests waits for ever unless each call says otherwise; here the session does."""

    def __init__(self, timeout: tuple[float, float], **options: Any) -> None:
        self._timeout = timeout
        super().__init__(**options)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        return super().send(request, *args, **kwargs)


def session(
    *, connections: int = 8, retries: int = 5, patience: Patience = DEFAULT_PATIENCE
) -> requests.Session:
    """Return a session that retries reads on connection faults, 429 and 5xx, and honours Retry-After.

    What goes through `call` is retried there, so that uploads are too: it wants `retries=0`.
    """
    retry = Retry(
        total=retries,
        backoff_factor=0.5,
        status_forcelist=PASSING if retries else (),
        allowed_methods=("GET", "HEAD"),
    )
    adapter = _TimeoutAdapter(
        (patience.connect, patience.read),
        max_retries=retry,
        pool_maxsize=connections,
        pool_connections=connections,
    )
    opened = requests.Session()
    opened.mount("https://", adapter)
    opened.mount("http://", adapter)
    return opened


def get(opened: requests.Session, url: str) -> bytes:
    """Return the body at a URL; anything but success is a FlowlockError that names host and reason."""
    try:
        answer = opened.get(url)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise FlowlockError(
            f"cannot download from {urlsplit(url).netloc}: {error}",
            code="FL022",
            hint="check the network and the proxy settings, then run the same command again",
        ) from error
    return answer.content


class Body(Protocol):
    """Bytes to send, of known length, that can be read again from the start for each try."""

    def __len__(self) -> int:
        """Return the number of bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes in blocks, from the start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A credential as a request header: `Authorization: Bearer …`."""

    name: str = "Authorization"
    scheme: str = "Bearer "
    secret: Secret = field(repr=False)

    def sign(self, request: requests.PreparedRequest) -> None:
        """Put the credential into the request."""
        request.headers[self.name] = self.scheme + self.secret.reveal()

    def hide_in(self, text: str) -> str:
        """Return the text without the credential."""
        return self.secret.hide_in(text)


class Credential(Protocol):
    """What signs requests, and knows what must not be shown."""

    def sign(self, request: requests.PreparedRequest) -> None:
        """Add what proves who we are."""

    def hide_in(self, text: str) -> str:
        """Return the text with every secret masked."""


class _Signature(requests.auth.AuthBase):
    """An auth object, even for no credential: without one, requests sends what ~/.netrc has."""

    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._credential is not None:
            self._credential.sign(request)
        return request


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request; `body` is bytes, or a Body that is streamed."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Body = b""
    credential: Credential | None = None

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return urlsplit(self.url).netloc


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
        return 200 <= self.status < 300  # noqa: PLR2004 - the range of success, RFC 9110


class PassingFault(Exception):  # noqa: N818 - a fault that passes, never seen outside of a retry loop
    """Try again: the reason, and the seconds that the server asked us to wait."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def call(
    opened: requests.Session,
    request: Request,
    *,
    patience: Patience = DEFAULT_PATIENCE,
    landed: Callable[[], Answer | None] | None = None,
    keep_body: bool = True,
) -> Answer:
    """Send a request until the server has answered for good, and return its answer, a refusal too.

    Connection faults, timeouts, resets in mid-body, 429, 5xx and rate limits are tried again. For a request
    that must not happen twice, `landed` looks before each further try whether the last one did happen, and
    returns the answer that stands for it. Without `keep_body` the answer's body is hashed, not kept.
    """
    return persist(
        lambda: exchange(opened, request, keep_body=keep_body, patience=patience),
        f"{request.method} {request.host}",
        patience=patience,
        landed=landed,
    )


def persist(
    action: Callable[[], T],
    what: str,
    *,
    patience: Patience = DEFAULT_PATIENCE,
    landed: Callable[[], T | None] | None = None,
) -> T:
    """Repeat an action while it raises PassingFault; the last fault becomes a FlowlockError."""
    fault = PassingFault("no try was allowed")
    for attempt in range(patience.tries):
        try:
            return action()
        except PassingFault as passing:
            fault = passing
        pause = patience.pause(attempt, fault.wait)
        if pause > patience.longest_wait:
            break
        time.sleep(pause if attempt + 1 < patience.tries else 0)
        found = landed() if landed else None
        if found is not None:
            return found
    raise FlowlockError(
        f"{what} failed for good: {fault.reason}",
        code="FL811",
        hint="check the network and the service's status page, then run the same command again",
    ) from fault


def exchange(
    opened: requests.Session,
    request: Request,
    *,
    keep_body: bool = True,
    patience: Patience = DEFAULT_PATIENCE,
) -> Answer:
    """Send a request once; PassingFault where another try may fare better."""
    try:
        with opened.request(
            request.method,
            request.url,
            params=dict(request.query),
            headers=dict(request.headers),
            data=request.body or None,
            auth=_Signature(request.credential),
            stream=True,
            timeout=(patience.connect, patience.read),
        ) as response:
            answer = _read(response, keep_body=keep_body)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise PassingFault(_hidden(_short(error), request)) from error
    except requests.exceptions.ContentDecodingError as error:
        raise PassingFault(f"{request.host} sent a damaged body") from error
    except requests.RequestException as error:
        raise FlowlockError(
            f"cannot ask {request.host}: {_hidden(str(error), request)}", code="FL022"
        ) from error
    _raise_passing(request, answer)
    return answer


def _read(response: requests.Response, *, keep_body: bool) -> Answer:
    digest, size, blocks = hashlib.sha256(), 0, []
    for block in response.iter_content(BLOCK):
        digest.update(block)
        size += len(block)
        if keep_body:
            blocks.append(block)
    declared = response.headers.get("content-length")
    encoded = response.headers.get("content-encoding")
    if declared and not encoded and response.request.method != "HEAD" and int(declared) != size:
        raise PassingFault(f"the body ended after {size} of {declared} bytes")
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=b"".join(blocks),
        sha256=Sha256(digest.hexdigest()),
        size=size,
    )


def _raise_passing(request: Request, answer: Answer) -> None:
    """Tell a refusal that passes from one that stays; a 403 with a rate limit's headers passes (GitHub's)."""
    limited = answer.status == 403 and (  # noqa: PLR2004 - GitHub's status for rate limits
        "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    )
    if answer.status in PASSING or answer.status > 504 or limited:  # noqa: PLR2004 - any other 5xx
        raise PassingFault(
            f"{request.host} answered {answer.status}{reason(request, answer)}", retry_after(answer.headers)
        )


def reason(request: Request, answer: Answer) -> str:
    """Return what a refusal says of itself, in one short line with no secret, as `: text` or nothing."""
    text = _hidden(answer.body[:2000].decode("utf-8", "replace"), request)
    line = " ".join(text.split())[:300]
    return f": {line}" if line and not line.startswith("<") else ""


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After (a number or a date, RFC 9110), or until a rate limit's reset."""
    present = now or datetime.now(UTC)
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    if value:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        return max(0.0, (moment.astimezone(UTC) - present).total_seconds())
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(0.0, float(reset) - present.timestamp())
    return None


def _hidden(text: str, request: Request) -> str:
    return request.credential.hide_in(text) if request.credential else text


def _short(error: Exception) -> str:
    """Return the innermost reason: requests wraps urllib3, which wraps the socket's error."""
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return f"{type(error).__name__}: {inner}"
