"""The one place that opens HTTP sessions: retries, timeouts, and refusals turned into our errors."""

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from flowlock.errors import FlowlockError

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 120.0
PASSING = (429, 500, 502, 503, 504)


class _TimeoutAdapter(HTTPAdapter):
    """Requests waits for ever unless each call says otherwise; here the session does."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_TIMEOUT, READ_TIMEOUT)
        return super().send(request, *args, **kwargs)


def session(*, connections: int = 8) -> requests.Session:
    """Return a session that retries reads on connection faults, 429 and 5xx, and honours Retry-After."""
    retry = Retry(total=5, backoff_factor=0.5, status_forcelist=PASSING, allowed_methods=("GET", "HEAD"))
    adapter = _TimeoutAdapter(max_retries=retry, pool_maxsize=connections, pool_connections=connections)
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
        host = urlsplit(url).netloc
        raise FlowlockError(
            f"cannot download from {host}: {error}",
            code="FL022",
            hint="check the network and the proxy settings, then run the same command again",
        ) from error
    return answer.content
