"""The description of the API (OpenAPI 3.1): what FastAPI derives, and what it cannot know."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI

from flowlock_core.command.connections import connection_uses
from flowlock_core.connections.settings import Sources
from flowlock_serve.bounded_route import JSON_MEDIA
from flowlock_serve.documents import RefusalDocument
from flowlock_serve.routes.answers import refusals
from flowlock_serve.routes.wt import served_by
from flowlock_serve.security.guard import is_public
from flowlock_serve.service import Service
from flowlock_serve.wt_request import described

_SECURITY: list[dict[str, list[str]]] = [{"token": []}, {"cookie": []}]
_DERIVED_REFUSAL = "HTTPValidationError"
# What FastAPI describes its own refusals by, which we do not send.
_DERIVED = (_DERIVED_REFUSAL, "ValidationError")
# The parameters of a run, those that are only converted, and form data.
_PARAMS, _ANY_PARAMS, _FORM = "WorkflowParams", "WorkflowParamsToConvert", "WorkflowForm"
# Steps and cards without parameters may be written as empty objects.
_EMPTY = {"type": "object", "maxProperties": 0}


class DescribedAPI(FastAPI):
    """An application that describes its refusals, its credentials and the parameters of its workflow, too."""

    def __init__(self, service: Service, **settings: Any) -> None:
        super().__init__(**settings)
        self.state.service = service

    def openapi(self) -> dict[str, Any]:
        """Return the description, which is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi(), self.state.service)
        return self.openapi_schema


def _completed(document: dict[str, Any], service: Service) -> dict[str, Any]:
    components = document["components"]
    schemas = components["schemas"]
    refusal = RefusalDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= refusal.pop("$defs")
    schemas[RefusalDocument.__name__] = refusal
    for name in _DERIVED:
        schemas.pop(name, None)
    _describe_workflow(schemas, service)
    _describe_wt(document, service)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": service.sessions.settings.cookie},
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _correct_refusal(operation["responses"])
            if not is_public(method.upper(), path):
                operation["security"] = _SECURITY
    return document


def _correct_refusal(responses: dict[str, Any]) -> None:
    """Replace what FastAPI says about invalid parameters by what we answer."""
    if _DERIVED_REFUSAL in str(responses.get("422")):
        responses["422"] = refusals(422)[422]


def _describe_workflow(schemas: dict[str, Any], service: Service) -> None:
    """Put the parameters of the workflow where requests have parameters."""
    workflow = service.workflow
    schemas[_PARAMS] = _component(workflow.schema, _PARAMS)
    _name_connections(schemas[_PARAMS], service)
    run = schemas["RunRequest"]
    run["properties"]["params"] = _reference(_PARAMS)
    is_sequential = {"properties": {"executor": {"const": "sequential"}}}
    run |= {"if": is_sequential, "then": {"properties": {"jobs": {"type": "null"}}}}
    if find_spec("distributed") is None:
        run["properties"]["executor"]["enum"].remove("dask")
    steps = list(workflow.schema.get("properties", {}))
    members = workflow.form["groups"]
    grouped = {step for group in members.values() for step in group}
    cards: dict[str, Any] = {title: _objects(group) for title, group in members.items()}
    cards |= {step: {"type": "object"} for step in steps if step not in grouped}
    as_form = {"type": "object", "properties": cards, "additionalProperties": _EMPTY}
    convert = schemas["ConvertRequest"]
    choices = []
    for to, data in (("params", as_form), ("form", _objects(steps))):
        properties = {"to": {"const": to}, "data": data}
        choices.append({**convert, "properties": properties})
    schemas["ConvertRequest"] = {"title": convert["title"], "oneOf": choices}


def _describe_wt(document: dict[str, Any], service: Service) -> None:
    """Put the workflow where clients of ecoscope-workflows and wt send parameters and form data."""
    schemas, paths = document["components"]["schemas"], document["paths"]
    schemas["WtBody"]["properties"]["params"] = _reference(_PARAMS)
    parameters = described(served_by(service))
    for parameter in paths["/"]["post"]["parameters"]:
        parameter["schema"] |= parameters.get(parameter["name"], {})
    # Neither connections nor files must exist to be converted.
    schemas[_ANY_PARAMS] = _component(service.workflow.schema, _ANY_PARAMS)
    schemas[_FORM] = _component(service.workflow.form["schema"], _FORM)
    for path, name in (("/params-to-formdata", _ANY_PARAMS), ("/formdata-to-params", _FORM)):
        paths[path]["post"]["requestBody"]["content"][JSON_MEDIA]["schema"] = _reference(name)


def _component(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a schema as a component: references to definitions are relative to the whole document."""
    text = json.dumps(schema).replace('"#/$defs/', f'"#/components/schemas/{name}/$defs/')
    component: dict[str, Any] = json.loads(text)
    return component


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _name_connections(params: dict[str, Any], service: Service) -> None:
    """Let parameters that take connections have the names that are configured here, and no others."""
    for use in connection_uses(service.workflow.plan, {}):
        step = params.get("properties", {}).get(use.step, {}).get("properties", {})
        if use.parameter in step:
            names: list[str | None] = [*Sources().names(use.model.kind)]
            if "null" in json.dumps(step[use.parameter]):
                names.append(None)
            step[use.parameter] = {"enum": names}


def _objects(names: list[str]) -> dict[str, Any]:
    """Return the schema of an object that has an object under some names."""
    properties = {name: {"type": "object"} for name in names}
    return {"type": "object", "properties": properties, "additionalProperties": _EMPTY}
