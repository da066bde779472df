"""The first that sees a request: it refuses those from elsewhere, and those without a token or a cookie."""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowlock_serve.problem_documents import ServiceError
from flowlock_serve.security.sessions import Sessions

_PUBLIC = frozenset(("/health", "/ready", "/session"))
_PUBLIC_FOLDER = "/page/"
# Methods that change nothing; a browser sends no Origin with those of our own page.
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))

# Our pages load scripts and styles from us, talk to us, and show the dashboards of runs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """Checks Host, Origin and credentials, and adds the headers of our policies to every answer."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        app = self._app if refusal is None else refusal.response()
        await app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> ServiceError | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host.lower() not in self._sessions.settings.hosts:
            # Strangers are not told which names the service has.
            hint = "use the address that `serve` has printed; the option --allow-host of `serve` adds a name"
            return ServiceError(421, "FL773", "the service does not have this host name", hint=hint)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            message = "the request comes from a page of another site"
            return ServiceError(403, "FL773", message, hint="open the page of the service itself")
        method = scope["method"]
        if is_public(method, scope["path"]) or self._is_known(headers, method, origin):
            return None
        return ServiceError(
            401,
            "FL772",
            "the request has neither the token of the service nor a cookie of its page",
            hint="open the address that `serve` has printed, or send `Authorization: Bearer TOKEN`",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _is_known(self, headers: Headers, method: str, origin: str | None) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._sessions.is_token(token.strip())
        # The cookie alone lets nothing be changed from elsewhere: browsers name the origin, or the relation.
        relation = headers.get("sec-fetch-site", "none" if method in _SAFE else "")
        if method not in _SAFE and origin is None and relation != "same-origin":
            return False
        if relation == "cross-site":
            return False
        return self._sessions.has_cookie(self._cookie(headers.get("cookie", "")))

    def _cookie(self, header: str) -> str:
        try:
            morsel = SimpleCookie(header).get(self._sessions.settings.cookie)
        except CookieError:
            return ""
        return "" if morsel is None else morsel.value


def is_public(method: str, path: str) -> bool:
    """Return whether a request needs neither the token nor a cookie."""
    if path == "/":
        # Programs start runs here by POST.
        return method in _SAFE
    return path in _PUBLIC or path.startswith(_PUBLIC_FOLDER)


def _with_headers(send: Send) -> Send:
    """Return a `send` that adds our headers, unless a route has set its own."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [header for header in HEADERS if header[0] not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return send_with_headers
