"""A web server of Dagster: its GraphQL API, asked in one way; every answer is checked for its shape."""

import json
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel

from flowlock.edges import address, http, secret, shapes
from flowlock.edges.credentials import Header
from flowlock.edges.http import HttpRequest
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError

UNUSABLE = "FL950"
TOKENS = ("DAGSTER_TOKEN",)
T = TypeVar("T", bound=BaseModel)
# Dagster's errors come with these statuses, and as GraphQL.
_FINAL = (HTTPStatus.INTERNAL_SERVER_ERROR,)


class _GraphQLError(BaseModel):
    message: str


class _Answer(BaseModel):
    data: dict[str, Any] | None = None
    errors: list[_GraphQLError] | None = None


class DagsterServer:
    """A web server at an address, as a browser has it.

    The token that a proxy before it asks for is in the environment or the keyring.
    """

    def __init__(self, url: str, *, retry_policy: RetryPolicy) -> None:
        self._url = address.require_no_user_info(url, "Dagster").rstrip("/") + "/graphql"
        self._host = str(address.origin_of(url))
        token = secret.find(TOKENS, url)
        self._credential = Header(secret=token) if token is not None else None
        self._session = http.session(connections=1)
        self._retry_policy = retry_policy

    def ask(self, query: str, shape: type[T], **variables: Any) -> T:
        """Send a query and return its data; a FlowlockError says what else came.

        Errors of GraphQL come with several statuses, and as JSON.
        """
        request = HttpRequest(
            method="POST",
            url=self._url,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=json.dumps({"query": query, "variables": variables}).encode(),
            credential=self._credential,
            final=_FINAL,
        )
        answer = http.call(self._session, request, retry_policy=self._retry_policy, code=UNUSABLE)
        document = shapes.parsed_or_none(_Answer, answer.body)
        if document is not None and document.data is not None and not document.errors:
            data = json.dumps(document.data).encode()
            return shapes.parsed(shape, data, what=f"the answer of Dagster at {self._host}", code=UNUSABLE)
        if document is not None and document.errors:
            raise self.fault(http.shown(request, document.errors[0].message))
        raise self.fault(f"{answer.status}{http.reason(request, answer)}, which is not GraphQL")

    def fault(self, reason: str) -> FlowlockError:
        """Return the error of an answer that is not what was asked for."""
        return FlowlockError(
            f"Dagster at {self._host} answered: {reason}",
            code=UNUSABLE,
            hint="check the address; if a proxy in front of it asks for a token, set DAGSTER_TOKEN",
        )
