"""Signature version 4 of AWS, which every S3-compatible store asks for.

Source: "Create a signed AWS API request" in AWS's IAM user guide. The body's digest is known before the body
is sent, so nothing is read twice or kept in memory.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from flowlock.edges.secret import Secret

EMPTY = hashlib.sha256(b"").hexdigest()
DIGEST_HEADER = "x-amz-content-sha256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """A credential of the HTTP edge that signs each request."""

    key: str
    secret: Secret = field(repr=False)
    token: Secret | None = field(default=None, repr=False)
    region: str
    service: str = "s3"
    now: datetime | None = None

    def sign(self, request: Any) -> None:
        """Add date, digest and signature; a body's digest must be in `x-amz-content-sha256` already."""
        moment = (self.now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        request.headers["x-amz-date"] = moment
        request.headers.setdefault(DIGEST_HEADER, EMPTY)
        if self.token is not None:
            request.headers["x-amz-security-token"] = self.token.reveal()
        scope = f"{moment[:8]}/{self.region}/{self.service}/aws4_request"
        names, canonical = _canonical(request)
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.new(self._signing_key(moment[:8]), text.encode(), hashlib.sha256).hexdigest()
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{scope},SignedHeaders={names},Signature={signature}"
        )

    def hide_in(self, text: str) -> str:
        """Return the text without secret key and session token."""
        hidden = self.secret.hide_in(text)
        return self.token.hide_in(hidden) if self.token else hidden

    def _signing_key(self, day: str) -> bytes:
        key = ("AWS4" + self.secret.reveal()).encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


def _canonical(request: Any) -> tuple[str, str]:
    """Return the names of the signed headers, and the request in canonical form."""
    parts = urlsplit(request.url)
    signed = {
        name.lower(): " ".join(str(value).split())
        for name, value in request.headers.items()
        if name.lower() in {"range", "if-none-match"} or name.lower().startswith("x-amz-")
    }
    signed["host"] = parts.netloc
    names = ";".join(sorted(signed))
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    query = sorted((quote(key, safe="-_.~"), quote(value, safe="-_.~")) for key, value in parameters)
    lines = [
        request.method,
        quote(unquote(parts.path) or "/", safe="/-_.~"),
        "&".join(f"{name}={value}" for name, value in query),
        *(f"{name}:{signed[name]}" for name in sorted(signed)),
        "",
        names,
        request.headers[DIGEST_HEADER],
    ]
    return names, "\n".join(lines)
