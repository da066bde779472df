"""The folder of a store: files that are written whole, and checked against a digest when they are read."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from flowlock_core.store.cache_folder import require_own_folder
from flowlock_core.store.errors import DamagedError, NotKeptError
from flowlock_core.store.whole_files import write_whole


class StoreFolder:
    """Objects by the sha256 of their bytes, JSON documents by a key; several runs may use it at once.

    Nothing waits for the disk: what a loss of power has cut is found damaged, and computed again.
    """

    def __init__(self, path: Path) -> None:
        require_own_folder(path)
        self.path = path

    def put_object(self, data: Any) -> str:
        """Keep bytes and return their name; NotKeptError explains why they cannot be kept."""
        name = hashlib.sha256(data).hexdigest()
        path = self.object_path(name)
        if not path.exists():
            self._write(path, data)
        return name

    def object(self, name: str) -> bytes:
        """Return the bytes of a name; DamagedError if they are not those that were kept."""
        path = self.object_path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DamagedError(f"its cached result cannot be read ({error.strerror})") from error
        if hashlib.sha256(data).hexdigest() != name:
            # Else it would stay damaged, since a name that is there is not written again.
            with suppress(OSError):
                path.unlink()
            raise DamagedError("its cached result is damaged")
        return data

    def put_document(self, kind: str, key: str, document: Any) -> None:
        """Keep JSON under a key; NotKeptError explains why it cannot be kept."""
        body = json.dumps(document, ensure_ascii=False, sort_keys=True).encode()
        check = hashlib.sha256(body).hexdigest().encode()
        self._write(self.document_path(kind, key), check + b"\n" + body)

    def document(self, kind: str, key: str) -> Any:
        """Return the JSON of a key, None if there is none; DamagedError if it is not as it was written."""
        path = self.document_path(kind, key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedError(f"its entry cannot be read ({error.strerror})") from error
        check, _, body = data.partition(b"\n")
        if check != hashlib.sha256(body).hexdigest().encode():
            raise DamagedError("its entry is damaged")
        # The time of the last use says what is removed first; a folder that is only read has no use for it.
        with suppress(OSError):
            os.utime(path)
        return json.loads(body)

    def object_path(self, name: str) -> Path:
        """Return where an object lies."""
        return self.path / "objects" / name[:2] / name

    def document_path(self, kind: str, key: str) -> Path:
        """Return where a document lies."""
        return self.path / kind / key[:2] / key

    def _write(self, path: Path, data: Any) -> None:
        try:
            # Its parents are others' business; this folder is for its owner only.
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)
        except OSError as error:
            raise NotKeptError(
                f"the cache {self.path} cannot be written ({error.strerror or error})"
            ) from error
