"""A stateful stand-in for GitHub's endpoints of pull requests; its branches are of a real repository."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers.loopback import Request, Response, as_json


@dataclass(kw_only=True)
class PullRequestServer:
    """One repository's pull requests; `faults` are statuses that the next requests meet."""

    token: str
    repository: Path
    pulls: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    # Statuses that come although the request was carried out.
    late_faults: list[int] = field(default_factory=list)
    scheme: str = "Bearer"
    place: str = "/repos/octo/flow"
    taken: int = 422
    # How many of the first lists do not show what there is, as when another client is quicker.
    hidden: int = 0

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        if self.faults:
            return as_json(self.faults.pop(0), {"message": "planned fault"})
        if request.headers.get("authorization") != f"{self.scheme} {self.token}":
            return as_json(401, {"message": f"bad credentials: {request.headers.get('authorization')}"})
        match (request.method, request.path.removeprefix(self.place)):
            case ("GET", ""):
                return as_json(200, {"full_name": "octo/flow"})
            case ("GET", "/pulls"):
                shown = self.listed(request) if self.hidden == 0 else []
                self.hidden = max(0, self.hidden - 1)
                return as_json(200, shown)
            case ("POST", "/pulls"):
                response = self.created(request.json)
                late = [as_json(status, {"message": "planned fault"}) for status in self.late_faults]
                self.late_faults.clear()
                return (late or [response])[0]
        return as_json(404, {"message": "Not Found"})

    def listed(self, request: Request) -> list[dict[str, Any]]:
        open_ones = [pull for pull in self.pulls if pull["state"] == "open"]
        owner, _, head = request.query["head"].partition(":")
        assert owner == "octo"
        return [
            pull
            for pull in open_ones
            if pull["head"]["ref"] == head and pull["base"]["ref"] == request.query["base"]
        ]

    def created(self, body: dict[str, Any]) -> Response:
        branches = self.branches()
        if body["head"] not in branches or body["base"] not in branches:
            return as_json(422, {"message": "Validation Failed", "errors": ["no such branch"]})
        for pull in self.pulls:
            if pull["state"] == "open" and pull["head"]["ref"] == body["head"]:
                return as_json(self.taken, {"message": "A pull request already exists"})
        number = len(self.pulls) + 1
        pull = {
            "number": number,
            "html_url": f"https://forge.test/octo/flow/pulls/{number}",
            "state": "open",
            "title": body["title"],
            "body": body["body"],
            "head": {"ref": body["head"]},
            "base": {"ref": body["base"]},
        }
        self.pulls.append(pull)
        return as_json(201, pull)

    def branches(self) -> list[str]:
        command = ["git", "for-each-ref", "--format=%(refname:short)", "refs/heads"]
        done = subprocess.run(command, cwd=self.repository, check=True, capture_output=True, text=True)
        return done.stdout.split()
