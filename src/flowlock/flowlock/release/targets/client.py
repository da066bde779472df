"""What targets that are servers share: requests that are retried, refusals explained, channels read."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, BinaryIO

from pydantic import AfterValidator, BaseModel, Field

from flowlock.conda.artifact import Artifact
from flowlock.edges import http, shapes
from flowlock.edges.credentials import Credential
from flowlock.edges.http import Answer, AnswerKind, Body, HttpRequest
from flowlock.edges.retry_policy import PassingError, persist
from flowlock.errors import FlowlockError
from flowlock.names import FileName, Sha256
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import Context, Delivery, DeliveryStatus, Served

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, PRECONDITION = 401, 403, 404, 409, 412
SHUT = (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND)
# The refusal concerns the place and not the file: every other file would meet it too.
CLOSED = "FL817"
SHOWN = 80
HINTS = {
    UNAUTHENTICATED: "the credential is not accepted: create a new one and set it",
    FORBIDDEN: "the credential does not have write access: grant it, or use another credential",
    NOT_FOUND: "check the name of the channel or repository, and whether the credential has access to it",
    413: "the file is larger than the server accepts: remove data from the package",
    422: "the server rejects the content: see its message",
}


class Client:
    """A session with one server, with the credential that goes with every request."""

    def __init__(self, context: Context, name: str, credential: Credential | None = None) -> None:
        self._session = http.session(connections=context.connections)
        self._patience = context.retry_policy
        self._name = name
        self._credential = credential

    def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | Body = b"",
        landed: Callable[[], Answer | None] | None = None,
        kind: AnswerKind = AnswerKind.MESSAGE,
        limit: int | None = None,
        into: BinaryIO | None = None,
    ) -> Answer:
        """Send a request until it has a final answer; see `http.call`.

        A file is hashed and not kept, or written into a stream.
        """
        request = HttpRequest(
            method=method,
            url=url,
            query=query or {},
            headers=headers or {},
            body=body,
            credential=self._credential,
            kind=kind,
            limit=limit,
            keep_body=kind is not AnswerKind.FILE,
            into=into,
        )
        return http.call(self._session, request, retry_policy=self._patience, landed=landed)

    def accept(self, answer: Answer, doing: str, *, also: Iterable[int] = ()) -> Answer:
        """Return the answer if it is a success, or one of the statuses that the caller understands."""
        if answer.ok or answer.status in also:
            return answer
        code = CLOSED if answer.status in SHUT else "FL812"
        hint = HINTS.get(answer.status, "see the message from the server above")
        raise self.refusal(answer, doing, code=code, hint=hint)

    def refusal(self, answer: Answer, doing: str, *, code: str, hint: str) -> FlowlockError:
        """Return the error that a refusal is, with what the server says of it."""
        request = HttpRequest(method="", url="", credential=self._credential)
        message = f"{self._name} refused {doing}: {answer.status}{http.reason(request, answer)}"
        return FlowlockError(message, code=code, hint=hint)

    def digest(self, url: str, item: Item, *, headers: Mapping[str, str] | None = None) -> Sha256 | None:
        """Return the sha256 of what is served for an item, by reading all of it; None if nothing is there."""
        answer = self.send("GET", url, headers=headers, kind=AnswerKind.FILE, limit=most_of(item))
        self.accept(answer, f"to serve {item.file}", also=[NOT_FOUND])
        return answer.sha256 if answer.ok else None

    def require_digest(self, url: str, item: Item, *, headers: Mapping[str, str] | None = None) -> Sha256:
        """Return `digest`'s sha256; nothing there, although the server lists it, is an error."""
        digest = self.digest(url, item, headers=headers)
        if digest is None:
            raise FlowlockError(
                f"{self._name} lists {item.file}, but does not serve it",
                code="FL815",
                hint="run the same command again",
            )
        return digest

    def repodata(self, channel_url: str, items: Iterable[Item]) -> dict[str, Served]:
        """Return what a channel's indices say of the packages that the items belong to."""
        served: dict[str, Served] = {}
        artifacts = [item.artifact for item in items if item.artifact]
        for subdir in sorted({artifact.subdir for artifact in artifacts}):
            names = {artifact.name for artifact in artifacts if artifact.subdir == subdir}
            url = f"{channel_url}/{subdir}"
            answer = self.send(
                "GET", f"{url}/repodata.json", headers={"Cache-Control": "no-cache"}, kind=AnswerKind.INDEX
            )
            if self.accept(answer, "to serve its index", also=[NOT_FOUND]).ok:
                served |= listed(answer.body, url, subdir, names, server=self._name)
        return served

    def deliver(
        self, item: Item, url: str, put: Callable[[Callable[[], Answer | None]], Answer], *, taken: int
    ) -> Delivery:
        """Upload by `put`, which is given what tells whether an earlier try had succeeded after all.

        An answer `taken` says that the name is used: the bytes that are served decide what that means. Where
        none are served yet, the server is still at work on them, and is asked again.
        """

        def landed() -> Answer | None:
            served = self.digest(url, item)
            return Answer(status=201, headers={}) if served == item.sha256 else None

        answer = self.accept(put(landed), f"{item.file}", also=[taken])
        if answer.ok:
            return Delivery(status=DeliveryStatus.UPLOADED, url=url)
        return self.compare(item, url)

    def compare(self, item: Item, url: str) -> Delivery:
        """Return whether the bytes that are served under the item's name are the item's."""

        def served_digest() -> Sha256:
            digest = self.digest(url, item)
            if digest is None:
                raise PassingError(f"{item.file} is reported as present, but the server does not have it")
            return digest

        served = persist(served_digest, f"{self._name}: {item.file}", retry_policy=self._patience)
        if served == item.sha256:
            return Delivery(status=DeliveryStatus.PRESENT, url=url)
        return Delivery(
            status=DeliveryStatus.CONFLICT, url=url, detail=f"the server has different bytes: {served}"
        )


class _ServedIndex(BaseModel):
    """A repodata.json: its entries by file name, each still of any shape."""

    packages: dict[str, dict[str, Any]] | None = None
    conda: dict[str, dict[str, Any]] | None = Field(default=None, alias="packages.conda")


class _IndexEntry(BaseModel):
    """What an index says of a package."""

    name: str
    version: str = ""
    build: str = ""
    build_number: int = 0
    sha256: Annotated[str, AfterValidator(Sha256)]


def listed(
    repodata: bytes, url: str, subdir: str, names: Collection[str], *, server: str
) -> dict[str, Served]:
    """Return by place the entries of a repodata.json with these names; only they are read in full."""
    what = f"{server} serves an index of {subdir} that"
    document = shapes.parsed(_ServedIndex, repodata, what=what, code="FL813")
    served = {}
    for file, node in {**(document.packages or {}), **(document.conda or {})}.items():
        if node.get("name") not in list(names) or not node.get("sha256"):
            continue
        entry = _entry(node, file, server)
        artifact = Artifact(
            name=entry.name,
            version=entry.version,
            build=entry.build,
            number=entry.build_number,
            subdir=subdir,
            sha256=Sha256(entry.sha256),
        )
        place = f"{subdir}/{file}"
        served[place] = Served(
            place=place, url=f"{url}/{file}", sha256=Sha256(entry.sha256), artifact=artifact
        )
    return served


def _entry(node: Mapping[str, Any], file: str, server: str) -> _IndexEntry:
    try:
        FileName(file)
        return _IndexEntry.model_validate(node)
    except ValueError as error:
        raise FlowlockError(
            f"{server} lists {file[:SHOWN]!r} with an invalid entry",
            code="FL813",
            hint="index the channel again, or remove the file from it",
        ) from error


def most_of(item: Item) -> int:
    """Return how many bytes are read of what may be an item: other bytes of its kind, but not any number."""
    return 4 * item.size + 1_000_000
