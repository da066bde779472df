"""Requests to a site of EarthRanger, through its own client: time limits, pages, and what went wrong."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from flowlock_core.connections.settings import variable_for
from flowlock_core.errors import TaskError
from flowlock_core.masking import masked

if TYPE_CHECKING:
    from flowlock_ext_ecoscope.earthranger.connection import EarthRanger

Record: TypeAlias = Mapping[str, Any]
# That of EarthRanger's own web page, which its clients use for users with a password.
CLIENT_ID = "das_web_client"
ATTEMPTS = 3
# Seconds that are waited for a site that asks for it.
WAIT_AT_MOST = 60.0
_LATER = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_DETAIL_AT_MOST = 200


class _RefusedError(Exception):
    """An answer whose status is an error, and how many seconds the site asks to wait."""

    def __init__(self, response: Any) -> None:
        super().__init__(response.status_code)
        self.status: int = response.status_code
        self.detail = _detail(response)
        asked = response.headers.get("Retry-After", "")
        self.wait = float(asked) if asked.isdecimal() else None


def _detail(response: Any) -> str:
    """Return what the site says about an error; nothing for a page of HTML."""
    try:
        document = response.json()
        text = document.get("error_description") or document["status"]["detail"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f": {' '.join(str(text).split())[:_DETAIL_AT_MOST]}"


def _require_ok(response: Any, *_arguments: Any, **_options: Any) -> None:
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        raise _RefusedError(response)


def _unchanged(request: Any) -> Any:
    """Keep requests from looking for passwords in .netrc: the client sends the token itself."""
    return request


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The API of a site; each failure is a TaskError about the parameter `client`."""

    settings: "EarthRanger"
    get: Callable[..., Any]

    def answer(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the data of an answer; a site that is busy is asked again."""
        # One try: the client itself would wait and try again whatever the error is.
        ask = partial(self.get, path, max_retries=1, params=dict(params or {}))
        attempt = 1
        while True:
            try:
                return _asked(self.settings, path, ask)
            except _RefusedError as error:
                wait = 2.0**attempt if error.wait is None else error.wait
                if error.status not in _LATER or attempt == ATTEMPTS or wait > WAIT_AT_MOST:
                    raise _refusal(self.settings, path, error) from None
            time.sleep(wait)
            attempt += 1

    def record(self, path: str) -> Record:
        """Return an answer that is one object."""
        found = self.answer(path)
        if not isinstance(found, Mapping):
            raise self.malformed(path, "it is not an object")
        return found

    def records(self, path: str, params: Mapping[str, Any] | None = None) -> list[Record]:
        """Return all objects of a list, page by page, in the order of the site."""
        wanted = {**(params or {}), "page_size": self.settings.sub_page_size}
        first = self.answer(path, {**wanted, "page": 1})
        if isinstance(first, list):
            return self._objects(path, first)
        if not isinstance(first, Mapping) or not isinstance(first.get("count"), int):
            raise self.malformed(path, "it is neither a list nor a page with a count")
        count, rows = first["count"], self._page(path, first)
        if len(rows) < count:
            # A site may have smaller pages than it was asked for.
            if not rows:
                raise self.malformed(path, f"it has none of its {count:,} rows")
            numbers = range(2, math.ceil(count / len(rows)) + 1)
            rows = [*rows, *self._others(path, wanted, numbers)]
        if len(rows) != count:
            raise TaskError(
                f"{self.settings.server} said that {path} has {count:,} rows, and gave {len(rows):,}",
                code="FL754",
                parameter="client",
                hint="the list may have changed while it was read: run it again, for a range in the past",
            )
        return rows

    def _others(self, path: str, params: Mapping[str, Any], numbers: range) -> list[Record]:
        from concurrent.futures import ThreadPoolExecutor

        def rows_of(number: int) -> list[Record]:
            return self._page(path, self.answer(path, {**params, "page": number}))

        with ThreadPoolExecutor(max_workers=self.settings.tcp_limit) as pool:
            pages = list(pool.map(rows_of, numbers))
        return [row for page in pages for row in page]

    def _page(self, path: str, page: Any) -> list[Record]:
        if not isinstance(page, Mapping) or not isinstance(page.get("results"), list):
            raise self.malformed(path, "it has no list of results")
        return self._objects(path, page["results"])

    def _objects(self, path: str, rows: list[Any]) -> list[Record]:
        if not all(isinstance(row, Mapping) for row in rows):
            raise self.malformed(path, "a row is not an object")
        return rows

    def malformed(self, path: str, what: str) -> TaskError:
        """Return the error about an answer that is not as it should be."""
        return _malformed(self.settings, path, what)


def connect(settings: "EarthRanger") -> Site:
    """Return a site; with a user and a password, that asks it for a token."""
    from erclient import ERClient

    session = _session(settings)
    token = settings.token.get_secret_value() if settings.token else _token_of_user(settings, session)
    client = ERClient(service_root=settings.server, token=token, discovery=False)
    # erclient 1.19 has no public argument for a session, which sets time limits, and its public methods drop
    # the count of a page, by which a list that changes is noticed.
    client._http_session, get = session, client._get  # noqa: SLF001 - see above: there is no public way
    return Site(settings=settings, get=get)


def _session(settings: "EarthRanger") -> Any:
    """Return a session with time limits, which raises errors for statuses that are errors.

    It repeats nothing: that is done above, where it is known what a site asks for.
    """
    from requests import Session

    session: Any = Session()
    session.request = partial(session.request, timeout=settings.timeout)
    session.auth = _unchanged
    session.hooks["response"].append(_require_ok)
    return session


def _token_of_user(settings: "EarthRanger", session: Any) -> str:
    path = "oauth2/token"
    form = {
        "grant_type": "password",
        "client_id": CLIENT_ID,
        "username": settings.username,
        "password": settings.password.get_secret_value() if settings.password else None,
    }
    try:
        document = _asked(settings, path, lambda: session.post(f"{settings.server}/{path}", data=form).json())
    except _RefusedError as error:
        raise _refusal(settings, path, error) from None
    if not isinstance(document, Mapping) or not isinstance(document.get("access_token"), str):
        raise _malformed(settings, path, "it has no access_token")
    return str(document["access_token"])


def _asked(settings: "EarthRanger", path: str, ask: Callable[[], Any]) -> Any:
    """Return an answer's JSON; what kept it from coming is a TaskError, a refusal passes through."""
    from requests import RequestException, Timeout

    try:
        return ask()
    except Timeout:
        message = f"{settings.server} did not answer to {path} within {settings.timeout:g} seconds"
        raise TaskError(message, code="FL754", parameter="client", hint="set a longer `timeout`") from None
    except RequestException as error:
        # A body that is not JSON is one of these, too.
        if isinstance(error, ValueError):
            raise _malformed(settings, path, "it is not JSON") from None
        message = masked(f"{settings.server} cannot be asked for {path}: {error}")
        raise TaskError(message, code="FL754", parameter="client") from None
    except (ValueError, TypeError):
        raise _malformed(settings, path, "it is not JSON") from None


def _malformed(settings: "EarthRanger", path: str, what: str) -> TaskError:
    return TaskError(
        f"the answer of {settings.server} to {path} is not as EarthRanger answers: {what}",
        code="FL754",
        parameter="client",
        hint="check that `server` of the connection is a site of EarthRanger",
    )


def _refusal(settings: "EarthRanger", path: str, error: _RefusedError) -> TaskError:
    secret = "token" if settings.token else "password"
    match error.status:
        case HTTPStatus.UNAUTHORIZED:
            variable = variable_for(settings.kind, settings.name, secret)
            what, hint = f"does not accept the {secret}", f"set another one in {variable}"
        case HTTPStatus.FORBIDDEN:
            what = f"does not let the user of the connection read {path}"
            hint = "ask those who run the site for the permission"
        case HTTPStatus.NOT_FOUND:
            what = f"has no {path}"
            hint = "check `server` of the connection; the user may also lack a permission"
        case HTTPStatus.TOO_MANY_REQUESTS:
            what = f"does not answer to {path} now: it had too many requests"
            hint = "run it later, or set a lower `tcp_limit`"
        case _:
            what, hint = f"answered to {path} with the status {error.status}", "run it again later"
    message = masked(f"{settings.server} {what}{error.detail}")
    return TaskError(message, code="FL754", parameter="client", hint=hint)
