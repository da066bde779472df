"""A client of one server: requests with its credential, which are retried, and refusals explained."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO, TypeVar

from flowlock.edges import http, shapes
from flowlock.edges.credentials import Credential
from flowlock.edges.http import Answer, AnswerKind, Body, HttpRequest
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.errors import FlowlockError

T = TypeVar("T")
# These concern the place and not what is sent: everything else would meet them, too.
SHUT = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the credential is not accepted: create a new one and set it",
    HTTPStatus.FORBIDDEN: "the credential does not have write access: grant it, or use another credential",
    HTTPStatus.NOT_FOUND: "check the name of the channel or repository, and whether the credential has "
    "access to it",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the file is larger than the server accepts: remove data "
    "from the package",
    HTTPStatus.UNPROCESSABLE_ENTITY: "the server rejects the content: see its message",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """How a server's refusals are reported: `denied` for 401, 403 and 404, `rejected` for any other.

    `malformed` is the code of an answer that does not have the expected shape. `hints` go before HINTS.
    """

    denied: str
    rejected: str
    malformed: str
    hints: Mapping[int, str] = field(default_factory=dict)

    def accept(
        self, answer: Answer, server: str, doing: str, *, also: Iterable[int] = (), secrets: HttpRequest
    ) -> Answer:
        """Return the answer if it is a success, or one of the statuses that the caller understands."""
        if answer.ok or answer.status in also:
            return answer
        # A server may answer with any number, also one that HTTPStatus does not have.
        hint = {**HINTS, **self.hints}.get(answer.status, "see the message from the server above")
        code = self.denied if answer.status in SHUT else self.rejected
        raise refusal(answer, server, doing, code=code, hint=hint, secrets=secrets)


def refusal(
    answer: Answer, server: str, doing: str, *, code: str, hint: str, secrets: HttpRequest
) -> FlowlockError:
    """Return the error that a refusal is, with what the server says; secrets of the request are masked."""
    message = f"{server} refused {doing}: {answer.status}{http.reason(secrets, answer)}"
    return FlowlockError(message, code=code, hint=hint)


class HttpClient:
    """A session with the server that errors call `name`, with the credential that goes with every request."""

    def __init__(
        self,
        name: str,
        credential: Credential | None = None,
        *,
        refusals: Refusals,
        connections: int = 1,
        retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
    ) -> None:
        self.name = name
        self.refusals = refusals
        self._session = http.session(connections=connections)
        self._credential = credential
        self.retry_policy = retry_policy

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
        return http.call(self._session, request, retry_policy=self.retry_policy, landed=landed)

    def accept(self, answer: Answer, doing: str, *, also: Iterable[int] = ()) -> Answer:
        """Return the answer if it is a success, or one of the statuses that the caller understands."""
        return self.refusals.accept(answer, self.name, doing, also=also, secrets=self._secrets)

    def refusal(self, answer: Answer, doing: str, *, code: str, hint: str) -> FlowlockError:
        """Return the error that a refusal is, with what the server says of it."""
        return refusal(answer, self.name, doing, code=code, hint=hint, secrets=self._secrets)

    def read(self, kind: type[T], answer: Answer, what: str) -> T:
        """Return an answer's body as what it should be; another shape is an error that names the server."""
        return shapes.parsed(
            kind,
            answer.body,
            what=f"{self.name} sent {what} that",
            code=self.refusals.malformed,
            hint="check the address of the server, then run the same command again",
        )

    @property
    def _secrets(self) -> HttpRequest:
        return HttpRequest(method="", url="", credential=self._credential)
