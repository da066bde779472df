"""What signs requests: a header with a token, or the user info of an address."""

import base64
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowlock.edges import address
from flowlock.edges.secret import Secret


class Credential(Protocol):
    """What signs requests, and knows what must not be shown."""

    def sign(self, request: Any) -> None:
        """Add what proves who we are."""

    def hide_in(self, text: str) -> str:
        """Return the text with every secret masked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A credential as a request header: `Authorization: Bearer …`."""

    name: str = "Authorization"
    scheme: str = "Bearer "
    secret: Secret = field(repr=False)

    def sign(self, request: Any) -> None:
        """Put the credential into the request."""
        request.headers[self.name] = self.scheme + self.secret.reveal()

    def hide_in(self, text: str) -> str:
        """Return the text without the credential."""
        return self.secret.hide_in(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Basic:
    """User name and password, as the URL of a package index has them (RFC 7617).

    The user name of a URL without a password is a token, and a secret too.
    """

    user: str | Secret = field(repr=False)
    password: Secret | None = field(repr=False)

    def sign(self, request: Any) -> None:
        """Put both into the request."""
        password = self.password.reveal() if self.password else ""
        user = self.user.reveal() if isinstance(self.user, Secret) else self.user
        both = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.headers["Authorization"] = f"Basic {both}"

    def hide_in(self, text: str) -> str:
        """Return the text without the password, or the token that stands for both."""
        for secret in (self.user, self.password):
            text = secret.hide_in(text) if isinstance(secret, Secret) else text
        return text


def basic(url: str) -> Basic | None:
    """Return the credential that the user info of a URL is, None for a URL without any."""
    named = address.user_info(url)
    if named is None:
        return None
    user, stated = named
    password = Secret.or_none(stated, name="the password in an address")
    token = None if password else Secret.or_none(user, name="the token in an address")
    return Basic(user=token or user, password=password)
