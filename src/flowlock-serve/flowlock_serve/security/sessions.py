"""The token of a service, and the cookies that it was exchanged for."""

import hmac
import secrets
import threading
from collections import OrderedDict

from flowlock_core.masking import remember
from flowlock_serve.settings import AccessSettings

# The oldest is forgotten: a token from a file can be exchanged by many.
_MOST_SESSIONS = 10_000


class Sessions:
    """Knows the token, and the values of the cookies; nothing of it is written anywhere."""

    def __init__(self, settings: AccessSettings) -> None:
        self.settings = settings
        self._cookies: OrderedDict[str, None] = OrderedDict()
        self._exchanged = False
        self._lock = threading.Lock()
        remember(settings.token)

    def exchange(self, token: str) -> str | None:
        """Return the value of a new cookie, None if the token is wrong or was exchanged before."""
        with self._lock:
            if not self.is_token(token) or (self._exchanged and self.settings.exchanged_once):
                return None
            self._exchanged = True
            cookie = secrets.token_urlsafe(32)
            remember(cookie)
            self._cookies[cookie] = None
            while len(self._cookies) > _MOST_SESSIONS:
                self._cookies.popitem(last=False)
        return cookie

    def is_token(self, token: str) -> bool:
        """Return whether this is the token, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.settings.token.encode())

    def has_cookie(self, value: str) -> bool:
        """Return whether a cookie was given out since the start; its value cannot be guessed."""
        with self._lock:
            return value in self._cookies
