"""EarthRanger as a connection: a site, and a token of it or a user with a password."""

from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from flowlock_core.connections import ConnectionSettings

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class EarthRanger(ConnectionSettings):
    """A site of EarthRanger, with a token, or with a user and a password."""

    kind: ClassVar[str] = "earthranger"
    not_identifying: ClassVar[frozenset[str]] = frozenset({"tcp_limit", "sub_page_size", "timeout"})

    server: str = Field(description="The URL of the site, such as https://example.pamdas.org.")
    token: SecretStr | None = None
    username: str | None = Field(None, min_length=1)
    password: SecretStr | None = None
    tcp_limit: int = Field(5, ge=1, le=20, description="Requests at the same time.")
    sub_page_size: int = Field(4000, ge=1, le=10_000, description="Rows of a page.")
    timeout: float = Field(60, gt=0, le=3600, description="Seconds to wait for an answer.")

    @field_validator("server")
    @classmethod
    def _require_url(cls, server: str) -> str:
        """Return the URL without a path: the client adds that of the API."""
        parts = urlsplit(server)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        # A token would travel in plain text, or stand where it is not treated as one.
        if not secure or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("expected the https:// URL of a site, without a user, a query or a fragment")
        if parts.path.rstrip("/") not in ("", "/api", "/api/v1.0"):
            raise ValueError("expected the URL of a site without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _require_credentials(self) -> Self:
        by_user = self.username is not None and self.password is not None
        if (self.token is None) == (not by_user) or (self.token and (self.username or self.password)):
            raise ValueError("expected either `token`, or `username` and `password`")
        return self

    def identity(self) -> dict[str, Any] | None:
        """Return the site and the user; of a token it is not known whose it is and what it may read."""
        return super().identity() if self.username else None

    def check(self) -> str:
        """Ask the site who the user is."""
        from flowlock_ext_ecoscope.earthranger.site import connect

        user = connect(self).record("user/me")
        return f"EarthRanger at {self.server}, as {user.get('username', 'a user without a name')}"
