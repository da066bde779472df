"""RECORD, the list of a Python distribution's files (PyPA: recording installed projects)."""

import base64
import csv
import io
from collections.abc import Iterable

Row = tuple[str, str, str]


def row(path: str, *, sha256: str, size: int) -> Row:
    """Return the row of a file; its path is relative to site-packages, the digest is hexadecimal."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return path, f"sha256={digest}", str(size)


def undigested(path: str) -> Row:
    """Return the row of a file whose bytes are not known in advance, or of RECORD itself."""
    return path, "", ""


def text(rows: Iterable[Row]) -> str:
    """Return the file's content."""
    content = io.StringIO()
    csv.writer(content, lineterminator="\n").writerows(rows)
    return content.getvalue()
