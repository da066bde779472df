"""Addresses: which server one names, and where a credential may be sent to. Pure."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from flowlock.errors import FlowlockError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOrigin:
    """A server as browsers tell servers apart (RFC 6454): scheme, host, port."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether this machine itself is named."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def keeps_secrets(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        return self.scheme == "https" or self.is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(url: str) -> ServerOrigin:
    """Return the server of an http or https URL; any other text is a FlowlockError that does not quote it."""
    parts = _split(url)
    if parts is not None and parts.scheme in _PORTS and parts.hostname:
        try:
            return ServerOrigin(
                scheme=parts.scheme, host=parts.hostname, port=parts.port or _PORTS[parts.scheme]
            )
        except ValueError:
            # The port is none.
            pass
    raise FlowlockError(
        "an address must be a URL that begins with https:// and contains a host",
        code="FL853",
        hint="correct the address in flowlock.toml, the environment or the recipe",
    )


def user_info(url: str) -> tuple[str, str] | None:
    """Return user name and password that a URL names, None if it names none."""
    parts = _split(url)
    if parts is None or not (parts.username or parts.password):
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def without_user_info(url: str) -> str:
    """Return a URL without user name and password."""
    parts = _split(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts else url


def require_no_user_info(url: str, what: str) -> str:
    """Return a URL that names no user; one that does is a FlowlockError that does not show it."""
    if user_info(url) is not None:
        raise FlowlockError(
            f"the address of {what} contains a user name or a password",
            code="FL853",
            hint="remove them from the address; set credentials in the environment or the keyring",
        )
    return url


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
