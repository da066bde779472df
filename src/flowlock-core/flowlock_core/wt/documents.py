"""The documents about a workflow that `get` prints, in the shapes of ecoscope-workflows and wt."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from flowlock_core.command.bundle import Bundle

# The keys of their form's JSON Schema; rjsf reads `uiSchema` from beside them.
_KEYS = ("title", "properties", "$defs", "additionalProperties")


def rjsf(bundle: Bundle) -> dict[str, Any]:
    """Return the form as one document: the JSON Schema of the form data, and its UI schema as `uiSchema`."""
    form = json.loads(bundle.required_text("form.json"))
    schema: Mapping[str, Any] = {"title": bundle.function, "$defs": {}, **form["schema"]}
    return {**{key: schema[key] for key in _KEYS}, "uiSchema": form["uiSchema"]}


def params(bundle: Bundle) -> dict[str, Any]:
    """Return the JSON Schema of the parameters by step."""
    schema: dict[str, Any] = json.loads(bundle.required_text("params.schema.json"))
    return schema


def result_object(result: Any) -> Any:
    """Return a result in JSON as the clients expect it: an object, or nothing."""
    return result if result is None or isinstance(result, Mapping) else {"result": result}


def connection_names(bundle: Bundle) -> dict[str, list[str]]:
    """Return the steps whose parameters name a connection, by the kind of the connection.

    A kind has the name of its class, without `Connection` at the end.
    """
    from flowlock_core.command.connections import connection_uses
    from flowlock_core.execute import trace

    properties = params(bundle).get("properties", {})
    steps: dict[str, dict[str, None]] = {}
    for use in connection_uses(trace(bundle.load()), {}):
        if use.parameter in properties.get(use.step, {}).get("properties", {}):
            steps.setdefault(use.model.__name__.removesuffix("Connection"), {})[use.step] = None
    return {kind: list(by_kind) for kind, by_kind in sorted(steps.items())}


DOCUMENTS: Mapping[str, Callable[[Bundle], dict[str, Any]]] = {
    "rjsf": rjsf,
    "params": params,
    "data-connection-property-names": connection_names,
}
