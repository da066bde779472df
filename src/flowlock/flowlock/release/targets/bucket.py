"""The index of a channel in a bucket, made of the objects that are there.

By our own requests: the engine's client takes the session token along when a store redirects it elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import BaseModel, Field

from flowlock.channel.index import index_record
from flowlock.conda import archive
from flowlock.conda.artifact import SUFFIX
from flowlock.conda.index import Record
from flowlock.edges import files, shapes
from flowlock.edges.http import Answer, AnswerKind
from flowlock.edges.retry_policy import PassingError, RetryPolicy, persist
from flowlock.errors import FlowlockError
from flowlock.release.targets.client import CONFLICT, NOT_FOUND, PRECONDITION, Client
from flowlock.release.targets.sigv4 import DIGEST_HEADER

MOST_PAGES = 1000
OLDER_SUFFIX = ".tar.bz2"
REPODATA = "repodata.json"


class _Repodata(BaseModel):
    """The index that is there: records by file name."""

    packages: dict[str, dict[str, Any]] = {}
    conda: dict[str, dict[str, Any]] = Field(default={}, alias="packages.conda")

    def record(self, file: str, size: int) -> Record | None:
        """Return what the index says of an object, None if it does not list it with this size."""
        entry = self.conda.get(file) or self.packages.get(file)
        return entry if entry and entry.get("size") == size else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A channel in a bucket; `local` are the files that were put there just now, by place.

    `scratch` is a folder for objects that nobody has indexed: they are downloaded to be read.
    """

    name: str
    url: str
    prefix: str
    client: Client
    scratch: Path
    retry_policy: RetryPolicy
    local: Mapping[str, Path] = field(default_factory=dict)

    def index(self) -> None:
        """Write the index of each subdir that has packages, and of noarch; tell what cannot be indexed."""
        objects: dict[str, dict[str, int]] = {"noarch": {}}
        for key, size in self._objects():
            subdir, _, file = key.removeprefix(f"{self.prefix}/").rpartition("/")
            if subdir and "/" not in subdir and file.endswith((SUFFIX, OLDER_SUFFIX)):
                objects.setdefault(subdir, {})[file] = size
        for subdir, sizes in sorted(objects.items()):
            what = f"{self.name}: the index of {subdir}"
            persist(partial(self._write, subdir, sizes), what, retry_policy=self.retry_policy)

    def _objects(self) -> Iterator[tuple[str, int]]:
        """Yield key and size of every object of the channel (ListObjectsV2)."""
        token = ""
        for _ in range(MOST_PAGES):
            query = {"list-type": "2", "prefix": f"{self.prefix}/"}
            if token:
                query["continuation-token"] = token
            answer = self.client.send("GET", self.url, query=query)
            listing = self._listing(self.client.accept(answer, "to list the bucket").body)
            for node in listing.iterfind("{*}Contents"):
                size = node.findtext("{*}Size") or ""
                if size.isascii() and size.isdecimal():
                    yield node.findtext("{*}Key") or "", int(size)
            token = listing.findtext("{*}NextContinuationToken") or ""
            if not token:
                return
        raise FlowlockError(f"{self.name} lists an endless number of objects", code="FL813")

    def _listing(self, body: bytes) -> Element:
        """Return a listing; a document type is refused, since it can define endless entities."""
        what = f"{self.name} lists its objects in a form that is not valid for S3"
        try:
            return fromstring(body, forbid_dtd=True)
        except DefusedXmlException as error:
            raise FlowlockError(f"{what}: it has a document type", code="FL813") from error
        except (ParseError, LookupError, ValueError) as error:
            raise FlowlockError(f"{what}: {error}", code="FL813") from error

    def _write(self, subdir: str, sizes: Mapping[str, int]) -> None:
        """Write one subdir's index, unless another process has written it since it was read."""
        place = f"{subdir}/{REPODATA}"
        served = self.client.send("GET", self._address(place), kind=AnswerKind.INDEX)
        self.client.accept(served, "to serve its index", also=[NOT_FOUND])
        before = self._before(served, subdir)
        records = {file: self._record(subdir, file, size, before) for file, size in sorted(sizes.items())}
        repodata = _text(subdir, records)
        condition = {"If-None-Match": "*"}
        if "etag" in served.headers:
            condition = {"If-Match": served.headers["etag"]}
        if served.body != repodata:
            self._put(place, repodata, condition)
        self._put(f"{place}.zst", archive.compressor()(repodata), {})

    def _before(self, answer: Answer, subdir: str) -> _Repodata:
        if not answer.ok:
            return _Repodata()
        what = f"{self.name} serves an index of {subdir} that"
        return shapes.parsed(_Repodata, answer.body, what=what, code="FL813")

    def _record(self, subdir: str, file: str, size: int, before: _Repodata) -> Record:
        """Return an object's record: from the file that was sent, from the index before, or by reading it."""
        place = f"{subdir}/{file}"
        if place in self.local:
            return index_record(self.local[place])
        record = before.record(file, size)
        if record is not None:
            return record
        if file.endswith(OLDER_SUFFIX):
            raise self._not_indexed(place, "it has the older format, and the previous index did not list it")
        self.scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=self.scratch) as folder:
            path = Path(folder) / "object.conda"
            with path.open("w+b") as stream:
                answer = self.client.send("GET", self._address(place), kind=AnswerKind.FILE, into=stream)
                self.client.accept(answer, f"to serve {place}")
            try:
                return index_record(path)
            except (FlowlockError, KeyError, TypeError, ValueError) as error:
                raise self._not_indexed(place, str(error)) from error

    def _not_indexed(self, place: str, why: str) -> FlowlockError:
        return FlowlockError(
            f"{self.name}: {place} cannot be indexed: {why}",
            code="FL814",
            hint="remove it from the channel, then run the same command again; uploaded files are kept",
        )

    def _put(self, place: str, data: bytes, condition: Mapping[str, str]) -> None:
        digest = hashlib.sha256(data).hexdigest()
        headers = {DIGEST_HEADER: digest, "Content-Type": "application/json", **condition}
        answer = self.client.send("PUT", self._address(place), headers=headers, body=data)
        if answer.status in {CONFLICT, PRECONDITION}:
            raise PassingError("another process wrote it at the same time")
        self.client.accept(answer, f"the index {place}")

    def _address(self, place: str) -> str:
        return f"{self.url}/{quote(self.prefix)}/{quote(place)}"


def _text(subdir: str, records: Mapping[str, Record]) -> bytes:
    """Return a repodata.json with packages of both formats."""
    document = {
        "info": {"subdir": subdir},
        "packages": {file: record for file, record in records.items() if file.endswith(OLDER_SUFFIX)},
        "packages.conda": {file: record for file, record in records.items() if file.endswith(SUFFIX)},
        "removed": [],
        "repodata_version": 1,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
