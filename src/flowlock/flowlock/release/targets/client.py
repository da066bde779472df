"""What targets that are servers share: requests that are retried, refusals explained, channels read."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowlock.edges import http
from flowlock.edges.http import Answer, Body, Credential, Request
from flowlock.errors import FlowlockError
from flowlock.names import Sha256
from flowlock.release.artifact import Identity, Item
from flowlock.release.targets.protocol import Context, Delivery, Served, Status

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, PRECONDITION = 401, 403, 404, 409, 412
SHUT = (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND)
# The refusal concerns the place and not the file: every other file would meet it too.
CLOSED = "FL817"
HINTS = {
    UNAUTHENTICATED: "the credential is not accepted: make a new one and set it",
    FORBIDDEN: "the credential may not write here: give it that right, or use another one",
    NOT_FOUND: "check the name of the channel or repository, and that the credential may see it",
    413: "the file is larger than the server takes: leave data out of the package",
    422: "the server refuses the content: see its message",
}


class Client:
    """A session with one server, with the credential that goes with every request."""

    def __init__(self, context: Context, name: str, credential: Credential | None = None) -> None:
        self._session = http.session(connections=context.connections, retries=0, patience=context.patience)
        self._patience = context.patience
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
        keep_body: bool = True,
    ) -> Answer:
        """Send a request until it is answered for good; see `http.call`."""
        request = Request(
            method=method,
            url=url,
            query=query or {},
            headers=headers or {},
            body=body,
            credential=self._credential,
        )
        return http.call(self._session, request, patience=self._patience, landed=landed, keep_body=keep_body)

    def accept(self, answer: Answer, doing: str, *, also: Iterable[int] = ()) -> Answer:
        """Return the answer if it is a success, or one of the statuses that the caller understands."""
        if answer.ok or answer.status in also:
            return answer
        request = Request(method="", url="", credential=self._credential)
        raise FlowlockError(
            f"{self._name} refuses {doing}: {answer.status}{http.reason(request, answer)}",
            code=CLOSED if answer.status in SHUT else "FL812",
            hint=HINTS.get(answer.status, "see the message of the server above"),
        )

    def digest(self, url: str) -> Sha256 | None:
        """Return the sha256 of what is served at a URL, by reading all of it; None if nothing is there."""
        answer = self.accept(
            self.send("GET", url, headers={"Accept-Encoding": "identity"}, keep_body=False),
            "to serve a file",
            also=[NOT_FOUND],
        )
        return answer.sha256 if answer.ok else None

    def repodata(self, channel_url: str, items: Iterable[Item]) -> dict[str, Served]:
        """Return what a channel's indices say of the packages that the items belong to."""
        served: dict[str, Served] = {}
        identities = [item.identity for item in items if item.identity]
        for subdir in sorted({identity.subdir for identity in identities}):
            names = {identity.name for identity in identities if identity.subdir == subdir}
            url = f"{channel_url}/{subdir}"
            answer = self.accept(
                self.send("GET", f"{url}/repodata.json", headers={"Cache-Control": "no-cache"}),
                "to serve its index",
                also=[NOT_FOUND],
            )
            if answer.ok:
                served |= listed(_document(answer, self._name), url, subdir, names)
        return served

    def deliver(
        self, item: Item, url: str, put: Callable[[Callable[[], Answer | None]], Answer], *, taken: int
    ) -> Delivery:
        """Upload by `put`, which is given what tells whether an earlier try had succeeded after all.

        An answer `taken` says that the name is used: the bytes that are served decide what that means. Where
        none are served yet, the server is still at work on them, and is asked again.
        """

        def landed() -> Answer | None:
            found = self.digest(url)
            return Answer(status=201, headers={}) if found == item.sha256 else None

        answer = self.accept(put(landed), f"{item.file}", also=[taken])
        if answer.ok:
            return Delivery(status=Status.UPLOADED, url=url)
        return self.compare(item, url)

    def compare(self, item: Item, url: str) -> Delivery:
        """Return whether the bytes that are served under the item's name are the item's."""

        def look() -> Sha256:
            found = self.digest(url)
            if found is None:
                raise http.PassingFault(f"{item.file} is said to be there, but is not served")
            return found

        found = http.persist(look, f"{self._name}: {item.file}", patience=self._patience)
        if found == item.sha256:
            return Delivery(status=Status.PRESENT, url=url)
        return Delivery(status=Status.CONFLICT, url=url, detail=f"other bytes are served there: {found}")


def listed(document: Mapping[str, Any], url: str, subdir: str, names: Iterable[str]) -> dict[str, Served]:
    """Return by place the entries of a repodata.json with these names."""
    wanted, served = set(names), {}
    for section in ("packages", "packages.conda"):
        for file, entry in (document.get(section) or {}).items():
            if entry.get("name") not in wanted or not entry.get("sha256"):
                continue
            identity = Identity(
                name=str(entry["name"]),
                version=str(entry.get("version", "")),
                build=str(entry.get("build", "")),
                number=int(entry.get("build_number", 0)),
                subdir=subdir,
            )
            place = f"{subdir}/{file}"
            served[place] = Served(
                place=place, url=f"{url}/{file}", sha256=Sha256(entry["sha256"]), identity=identity
            )
    return served


def _document(answer: Answer, name: str) -> Mapping[str, Any]:
    try:
        document = json.loads(answer.body)
        if isinstance(document, Mapping):
            return document
    except ValueError as error:
        raise FlowlockError(f"{name} serves an index that is not JSON", code="FL813") from error
    raise FlowlockError(f"{name} serves an index that is no mapping", code="FL813")
