"""What targets that are servers share: files compared by their digests, and channels read."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from flowlock.conda.artifact import Artifact
from flowlock.edges import shapes
from flowlock.edges.credentials import Credential
from flowlock.edges.http import Answer, AnswerKind
from flowlock.edges.http_client import HttpClient, Refusals
from flowlock.edges.retry_policy import PassingError, persist
from flowlock.errors import FlowlockError
from flowlock.names import FileName, Sha256
from flowlock.release.targets.artifact import Item
from flowlock.release.targets.protocol import Context, Delivery, DeliveryStatus, Served

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, PRECONDITION = 401, 403, 404, 409, 412
SHOWN = 80
# The code of a refusal that concerns the place and not the file: every other file would meet it too.
DENIED = "FL817"
REFUSALS = Refusals(denied=DENIED, rejected="FL812", malformed="FL813")


class Client(HttpClient):
    """A client of the server of a target, which also reads and compares what is served there."""

    def __init__(self, context: Context, name: str, credential: Credential | None = None) -> None:
        super().__init__(
            name,
            credential,
            refusals=REFUSALS,
            connections=context.connections,
            retry_policy=context.retry_policy,
        )

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
                f"{self.name} lists {item.file}, but does not serve it",
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
                served |= listed(answer.body, url, subdir, names, server=self.name)
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

        served = persist(served_digest, f"{self.name}: {item.file}", retry_policy=self.retry_policy)
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
