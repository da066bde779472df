"""A stand-in for Gitea's endpoints of pull requests, written by hand from the description of its API.

No Gitea can be installed here: what it does beyond that description is not known to these tests.
"""

from dataclasses import dataclass
from typing import Any

from servers.forge import page_of
from servers.github_pulls import PullRequestServer
from servers.loopback import Request


@dataclass(kw_only=True)
class GiteaPulls(PullRequestServer):
    """Lists all open pull requests in pages, and answers 409 where there is one already."""

    scheme: str = "token"
    place: str = "/api/v1/repos/octo/flow"
    taken: int = 409
    # A server may have shorter pages than it is asked for.
    longest_page: int = 2

    def listed(self, request: Request) -> list[dict[str, Any]]:
        assert request.query["state"] == "open"
        open_ones = [pull for pull in self.pulls if pull["state"] == "open"]
        return page_of(open_ones, request, size="limit", longest=self.longest_page)
