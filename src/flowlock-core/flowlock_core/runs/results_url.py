"""The URL of a results folder: file:, or a bucket of S3, Google Cloud Storage or Azure."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from flowlock_core.errors import UsageError

FILE = "file"
SCHEMES = (FILE, "s3", "gs", "az")
_FIRST_PRINTABLE = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultsUrl:
    """A URL whose path has no segment that leads upwards, in whatever way it is written."""

    scheme: str
    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> "ResultsUrl | None":
        """Return the URL that a text is, None if it is a path; a UsageError if it is an invalid URL."""
        scheme, colon, rest = text.partition(":")
        if not colon or not (rest.startswith("//") or scheme == FILE):
            return None
        try:
            parts = urlsplit(text)
        except ValueError as error:
            raise _refused(text, str(error)) from error
        reason = _reason_against(parts)
        if reason:
            raise _refused(text, reason)
        return cls(scheme=parts.scheme, bucket=parts.netloc, prefix=unquote(parts.path).strip("/"))

    @property
    def path(self) -> Path:
        """The folder of a file: URL."""
        return Path("/", self.prefix)

    def of(self, key: str) -> str:
        """Return the URL of what is below this one, as other tools take it.

        A file: URL is encoded; the tools of object stores take keys as they are.
        """
        path = "/".join(part for part in (self.prefix, key) if part)
        if self.scheme == FILE:
            path = quote(path)
        return f"{self.scheme}://{self.bucket}/{path}".rstrip("/")

    def __str__(self) -> str:
        return self.of("")


def _reason_against(parts: SplitResult) -> str:
    """Return why a URL is not one of results, or nothing."""
    if parts.scheme not in SCHEMES:
        return f"the scheme must be one of {', '.join(SCHEMES)}"
    if "@" in parts.netloc:
        return "it must not contain a user name or a password"
    if parts.query or parts.fragment:
        return "it must not have a query or a fragment"
    if parts.scheme == FILE and parts.netloc not in ("", "localhost"):
        return "a file: URL has three slashes before its path"
    if parts.scheme != FILE and not parts.netloc:
        return "the name of the bucket is missing"
    return _reason_against_path(parts.path)


def _reason_against_path(encoded: str) -> str:
    path = unquote(encoded)
    # Encoded once or twice: what reads the path may decode it again.
    segments = unquote(path).split("/")
    if "." in segments or ".." in segments or "%2e" in encoded.lower():
        return "its path must not contain `.` or `..`, also not encoded"
    if "\\" in path or any(ord(character) < _FIRST_PRINTABLE for character in path):
        return "its path must not contain backslashes or control characters"
    return ""


def _refused(text: str, reason: str) -> UsageError:
    # What may be a password is not repeated.
    shown = text if "@" not in text else f"{text.partition(':')[0]}:…"
    return UsageError(
        f"`{shown}` is not a URL for results: {reason}",
        code="FL748",
        hint="write a path, file:///folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix",
    )
