"""The body of an upload as HTML forms send it (RFC 7578), streamed. Pure."""

from collections.abc import Iterator, Mapping
from secrets import token_hex

from flowlock.release.targets.artifact import FileBody, Item


class FileForm:
    """A file in a part with further headers, and texts in further parts; can be read again."""

    def __init__(
        self,
        item: Item,
        *,
        field: str,
        headers: Mapping[str, str] | None = None,
        texts: Mapping[str, bytes] | None = None,
    ) -> None:
        self._file = FileBody(item.path, item.size)
        self._boundary = token_hex(24)
        part_headers = {
            "Content-Disposition": f'form-data; name="{field}"; filename="{item.file}"',
            "Content-Type": "application/octet-stream",
            **(headers or {}),
        }
        lines = [f"--{self._boundary}", *(f"{name}: {value}" for name, value in part_headers.items())]
        self._head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self._tail = b""
        for name, text in (texts or {}).items():
            head = f'\r\n--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            self._tail += head.encode() + text
        self._tail += f"\r\n--{self._boundary}--\r\n".encode()

    @property
    def media_type(self) -> str:
        """The Content-Type of the request."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return len(self._head) + len(self._file) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._file
        yield self._tail
