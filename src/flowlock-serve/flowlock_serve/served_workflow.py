"""The workflow that is served: its files, its steps, and the checks of its parameters."""

import json
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.running import parameter_problems
from flowlock_core.connections import MOCKED
from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Options, trace
from flowlock_core.execute.plan import Plan
from flowlock_core.parameters.formdata import to_form, to_params
from flowlock_core.results import to_json
from flowlock_core.task import humanised
from flowlock_serve.data_folders import DataFolders
from flowlock_serve.runs.record import RunOrder

Params = Mapping[str, Mapping[str, Any]]


class ServedWorkflow:
    """A workflow with the folders that its input files may be in."""

    def __init__(self, bundle: Bundle, data: DataFolders) -> None:
        self.bundle = bundle
        self._data = data

    @cached_property
    def plan(self) -> Plan:
        """What is executed."""
        return trace(self.bundle.load())

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of the parameters."""
        return self.bundle.params_schema()

    @cached_property
    def form(self) -> Mapping[str, Any]:
        """The form: its schema, UI schema and groups."""
        text = self.bundle.text("form.json")
        empty: dict[str, Any] = {"schema": self.schema, "uiSchema": {}, "groups": {}}
        return empty if text is None else {**empty, **json.loads(text)}

    @cached_property
    def graph(self) -> str | None:
        """The picture of the steps as SVG, None if the package does not have it."""
        return self.bundle.text("graph.svg")

    @cached_property
    def version(self) -> str:
        """The version of the installed package."""
        try:
            return version(self.bundle.command)
        except PackageNotFoundError:
            return "0"

    def described(self) -> dict[str, Any]:
        """Return {name, title, description, version, steps}."""
        return {
            "name": self.bundle.function,
            "title": self.schema.get("title") or humanised(self.bundle.function),
            "description": self.schema.get("description"),
            "version": self.version,
            "steps": [self._step(step.id) for step in self.plan.steps],
        }

    def problems(self, params: Params, *, mock_io: bool) -> list[Problem]:
        """Return everything that is wrong with the parameters of a run, before it is accepted."""
        inputs: set[Any] = set()
        context = {"base": self._data.base, MOCKED: mock_io, "inputs": inputs}
        options = Options(params=params, base=self._data.base, mock_io=mock_io)
        problems = parameter_problems(self.plan, options, context)
        return [*problems, *self._data.problems(self.plan, params, inputs)]

    def order_problems(self, order: RunOrder) -> list[Problem]:
        """Return everything that is wrong with what a request asks for."""
        problems = self.problems(order.params, mock_io=order.mock_io)
        if order.jobs is not None and order.executor == "sequential":
            problems.append(
                Problem(
                    code="FL739",
                    message="`jobs` cannot be used with sequential execution",
                    hint="set `executor` to threads or processes, or omit `jobs`",
                )
            )
        if order.executor == "dask" and find_spec("distributed") is None:
            problems.append(
                Problem(
                    code="FL762",
                    message="`dask` needs the package distributed, which the service does not have",
                    hint="set `executor` to processes, or install the package where the service runs",
                )
            )
        return problems

    def converted(self, data: Mapping[str, Any], *, to: str) -> dict[str, Any]:
        """Return parameters as form data, or the reverse; a WorkflowError names what does not belong."""
        steps = self.schema.get("properties", {})
        convert = to_form if to == "form" else to_params
        document: dict[str, Any] = to_json(convert(data, self.form["groups"], steps))
        if to == "params":
            problems = [
                _not_a_mapping(step) for step, values in document.items() if not isinstance(values, dict)
            ]
            if problems:
                raise WorkflowError("the parameters of a step are not a mapping", problems=problems)
        return document

    def _step(self, step_id: str) -> dict[str, Any]:
        step = self.plan.step(step_id)
        titled = self.schema.get("properties", {}).get(step_id, {})
        return {
            "id": step.id,
            "title": titled.get("title") or humanised(step.id),
            "task": step.task.name,
            "method": step.method.value,
            "needs": list(step.dependencies()),
        }


def _not_a_mapping(step: str) -> Problem:
    return Problem(code="FL723", message="expected a mapping of parameters to values", step=step)


def require_usable(workflow: ServedWorkflow) -> None:
    """Raise a WorkflowError unless the workflow can be imported and has its files."""
    if workflow.bundle.text("params.schema.json") is None:
        raise WorkflowError(
            f"the package {workflow.bundle.package} has no params.schema.json",
            code="FL780",
            hint="compile the workflow again",
        )
    _ = workflow.plan, workflow.form
