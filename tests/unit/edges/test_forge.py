"""Which repository of which forge a name or a remote is, and what its API sends in pages."""

from collections.abc import Callable
from typing import Any

import pytest

from flowlock.edges.forge import Forge, ForgeRepository
from flowlock.edges.forge_client import MOST_PAGES, ForgeClient, ForgeObject
from flowlock.edges.http_client import HttpClient, Refusals
from flowlock.errors import FlowlockError
from servers.loopback import Request, Response, answering, as_json


@pytest.mark.parametrize(
    ("text", "api"),
    [
        ("github:octo/flow", "https://api.github.com/repos/octo/flow"),
        ("gitea:https://git.test/octo/flow", "https://git.test/api/v1/repos/octo/flow"),
        ("gitea:http://[::1]:3000/octo/flow", "http://[::1]:3000/api/v1/repos/octo/flow"),
        ("gitea:https://git.test/forge/octo/flow", "https://git.test/forge/api/v1/repos/octo/flow"),
    ],
)
def test_a_repository_is_written_as_it_is_read(text: str, api: str) -> None:
    repository = ForgeRepository.parse(text)
    assert str(repository) == text
    assert repository is not None
    assert repository.api({}) == api


@pytest.mark.parametrize(
    "text",
    [
        "github:octo",
        "github:octo/flow/x",
        "github:https://github.com/octo/flow",
        "gitea:octo/flow",
        "gitea:https://git.test/octo",
        "gitea:https://git.test/octo/.git",
        "gitea:https://ada@git.test/octo/flow",
        "gitea:https://git.test/octo/flow?tab=1",
        "gitea:https://git.test/api/packages/octo/conda",
        "gitlab:https://git.test/octo/flow",
        "prefix:https://prefix.dev/flow",
        "",
    ],
)
def test_any_other_text_names_no_repository(text: str) -> None:
    assert ForgeRepository.parse(text) is None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/octo/flow.git", "github:octo/flow"),
        ("https://x-access-token:secret@github.com/octo/flow", "github:octo/flow"),
        ("git@github.com:octo/flow.git", "github:octo/flow"),
        ("ssh://git@github.com/octo/flow.git", "github:octo/flow"),
        ("ssh://git@ssh.github.com:443/octo/flow.git", "github:octo/flow"),
        ("https://github.com.git.test/octo/flow", "gitea:https://github.com.git.test/octo/flow"),
        ("ssh://git@git.test/octo/flow", "gitea:https://git.test/octo/flow"),
        ("ssh://git@git.test:2222/octo/flow.git", "gitea:https://git.test/octo/flow"),
        ("https://ada:secret@git.test:3000/octo/flow.git", "gitea:https://git.test:3000/octo/flow"),
        ("http://127.0.0.1:3000/octo/flow", "gitea:http://127.0.0.1:3000/octo/flow"),
    ],
)
def test_the_forge_is_that_of_the_remote(url: str, name: str) -> None:
    assert str(ForgeRepository.of_remote(url)) == name


@pytest.mark.parametrize("url", ["/srv/git/flow.git", "C:/git/flow", "../octo/flow", ""])
def test_a_local_remote_is_at_no_forge(url: str) -> None:
    assert ForgeRepository.of_remote(url) is None


def test_another_server_of_github_is_named_by_the_environment() -> None:
    repository = ForgeRepository(forge=Forge.GITHUB, server="https://github.com", owner="octo", name="flow")
    assert (
        repository.api({"GITHUB_API_URL": "https://git.test/api/v3/"})
        == "https://git.test/api/v3/repos/octo/flow"
    )
    with pytest.raises(FlowlockError) as caught:
        repository.api({"GITHUB_API_URL": "https://ada:secret@git.test"})
    assert caught.value.problems[0].code == "FL853"
    assert "secret" not in str(caught.value)


REFUSALS = Refusals(denied="FL817", rejected="FL812", malformed="FL813", hints={422: "shorten the body"})


class Row(ForgeObject):
    id: int


def rows_of(forge: Forge, answer: Callable[[Request], Response]) -> list[int]:
    """Return the ids of all rows of a list at a server."""
    with answering(answer) as url:
        repository = ForgeRepository(forge=forge, server=url, owner="octo", name="flow")
        client = ForgeClient(HttpClient("the forge", refusals=REFUSALS), repository, {"GITHUB_API_URL": url})
        return [row.id for row in client.pages(list[Row], f"{client.url}/rows", "to list rows")]


def paged(count: int, *, key: str, longest: int, **headers: str) -> Callable[[Request], Response]:
    """Return what answers with rows in pages, which are no longer than the server allows."""

    def answer(request: Request) -> Response:
        size = min(int(request.query[key]), longest)
        first = (int(request.query["page"]) - 1) * size
        rows: list[dict[str, Any]] = [{"id": number} for number in range(first, min(first + size, count))]
        return as_json(200, rows, **headers)

    return answer


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_all_rows_of_all_pages_are_read_once(count: int) -> None:
    wanted = list(range(count))
    assert rows_of(Forge.GITHUB, paged(count, key="per_page", longest=100)) == wanted
    assert rows_of(Forge.GITEA, paged(count, key="limit", longest=50)) == wanted
    # An administrator of Gitea may allow fewer rows than requested.
    assert rows_of(Forge.GITEA, paged(count, key="limit", longest=20)) == wanted
    assert rows_of(Forge.GITEA, paged(count, key="limit", longest=20, X_Total_Count=str(count))) == wanted


@pytest.mark.parametrize("total", ["", "many", "-1", "9" * 5000])
def test_a_malformed_number_of_rows_is_ignored(total: str) -> None:
    assert rows_of(Forge.GITEA, paged(3, key="limit", longest=2, X_Total_Count=total)) == [0, 1, 2]


def test_a_list_without_an_end_is_an_error() -> None:
    pages = []

    def answer(request: Request) -> Response:
        pages.append(request.query["page"])
        return as_json(200, [{"id": 1}])

    with pytest.raises(FlowlockError, match="more than 100 pages") as caught:
        rows_of(Forge.GITEA, answer)
    assert caught.value.problems[0].code == "FL813"
    assert len(pages) == MOST_PAGES


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (401, "FL817", "create a new one"),
        (404, "FL817", "check the name"),
        (422, "FL812", "shorten the body"),
        (499, "FL812", "see the message"),
    ],
)
def test_a_refusal_is_an_error_whatever_its_status(status: int, code: str, hint: str) -> None:
    with pytest.raises(FlowlockError, match=f"refused to list rows: {status}: no") as caught:
        rows_of(Forge.GITEA, lambda _: Response(status=status, body=b"no"))
    assert caught.value.problems[0].code == code
    assert hint in (caught.value.problems[0].hint or "")
