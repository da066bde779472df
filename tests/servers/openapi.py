"""GitHub's own description of its API (npm's @octokit/openapi), to hold requests and responses against."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from servers.loopback import Request, Response
from shared import ROOT, require_part

PLACE = Path("node_modules/@octokit/openapi/generated/api.github.com.json")
PREFIX = "/uploads"
ROUTES = (
    "/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/releases",
    "/repos/{owner}/{repo}/releases/{release_id}",
    "/repos/{owner}/{repo}/releases/{release_id}/assets",
    "/repos/{owner}/{repo}/releases/assets/{asset_id}",
)


@cache
def description() -> Mapping[str, Any]:
    """Return the description that `make test-parts` installs; a test that needs it skips without it."""
    path = ROOT / ".parts" / PLACE
    require_part(found=path.is_file(), part="npm's @octokit/openapi")
    document: Mapping[str, Any] = json.loads(path.read_bytes())
    return document


@dataclass(kw_only=True)
class Inspector:
    """Collects every way in which an exchange is not as described."""

    violations: list[str] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def __call__(self, request: Request, response: Response) -> None:
        path = request.path.removeprefix(PREFIX)
        route = next((route for route in ROUTES if re.fullmatch(_pattern(route), path)), None)
        if route is None or request.method.lower() not in description()["paths"][route]:
            self.violations.append(f"{request.method} {request.path} is not described")
            return
        self.seen.add((request.method, route, response.status))
        operation = description()["paths"][route][request.method.lower()]
        where = f"{request.method} {route} {response.status}"
        self.violations += [f"{where}: {fault}" for fault in _request_faults(operation, request)]
        self.violations += [f"{where}: {fault}" for fault in _response_faults(operation, response)]


def example_repository() -> dict[str, Any]:
    """Return GitHub's own example of a repository, with the one required field that it lacks."""
    example = description()["components"]["examples"]["full-repository-default-response"]["value"]
    source = {**example["source"], "language": "Python"}
    return {**example, "language": "Python", "source": source}


def _pattern(route: str) -> str:
    return re.sub(r"\{\w+_id\}", r"\\d+", re.sub(r"\{(owner|repo)\}", "[^/]+", route))


def _request_faults(operation: Mapping[str, Any], request: Request) -> Iterator[str]:
    known = {_resolved(parameter)["name"] for parameter in operation.get("parameters", ())}
    yield from (f"query parameter {name} is unknown" for name in request.query if name not in known)
    if request.headers.get("x-github-api-version") is None:
        yield "no X-GitHub-Api-Version"
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content and request.body:
        yield from _schema_faults(content["application/json"]["schema"], request.json, strict=True)
    elif "application/octet-stream" in content and not request.headers.get("content-length"):
        yield "no Content-Length"


def _response_faults(operation: Mapping[str, Any], response: Response) -> Iterator[str]:
    responses = operation["responses"]
    found = responses.get(str(response.status))
    if found is None:
        # Authentication, rate limits and upstream faults may meet any request and are described once for all.
        if response.status not in {401, 403, 404, 422, 429, 502}:
            yield f"status {response.status} is not described"
        return
    schema = _resolved(found).get("content", {}).get("application/json", {}).get("schema")
    if schema is not None and response.body and response.media == "application/json":
        yield from _schema_faults(schema, json.loads(response.body), strict=False)


def _schema_faults(schema: Mapping[str, Any], value: Any, *, strict: bool) -> Iterator[str]:
    root = DRAFT202012.create_resource(_nullable())
    registry: Registry[Any] = Registry().with_resource("urn:github", root)
    validator = Draft202012Validator(_absolute(schema), registry=registry)
    yield from (f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value))
    if strict and isinstance(value, Mapping):
        known = _resolved(schema).get("properties", {})
        yield from (f"field {name} is unknown" for name in value if name not in known)


@cache
def _nullable() -> Any:
    """Return the components with OpenAPI 3.0's `nullable` said in JSON Schema."""
    return _absolute({"components": description()["components"]})


def _absolute(node: Any) -> Any:
    if isinstance(node, list):
        return [_absolute(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    made = {key: _absolute(value) for key, value in node.items() if key != "nullable"}
    if isinstance(made.get("$ref"), str):
        made["$ref"] = made["$ref"].replace("#/", "urn:github#/", 1)
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    found: Any = description()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(found)
