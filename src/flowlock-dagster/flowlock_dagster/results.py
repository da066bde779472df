"""The results of runs: a folder for each, result.json, and the dashboard as Dagster shows it."""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.output import with_layout, write_results
from flowlock_core.results import Dashboard, SingleValue, TextView, to_json

RESULTS_KEY = "workflow_results"
_CACHE = "cache"
# What is shown of a result that is not a dashboard.
_PREVIEW_CHARACTERS = 2000


class WorkflowResults(dg.ConfigurableResource):
    """Where the results of runs go: `FOLDER/JOB/RUN/`, on a disk that all processes of a run share.

    Without a folder it is `$FLOWLOCK_RESULTS`, or else the folder `flowlock` of the Dagster instance. With a
    `url`, where a web server serves the folder, runs link to it.
    """

    folder: str = Field(default="", description="The folder; empty: $FLOWLOCK_RESULTS, or the instance's.")
    url: str = Field(default="", description="The URL under which a web server serves the folder.")

    def root(self, instance: dg.DagsterInstance) -> Path:
        """Return the folder of all runs."""
        named = self.folder or os.environ.get("FLOWLOCK_RESULTS", "")
        if named:
            return Path(named).absolute()
        if instance.is_ephemeral:
            return Path(tempfile.gettempdir(), "flowlock-dagster")
        return Path(instance.root_directory, "flowlock")

    def cache(self, instance: dg.DagsterInstance) -> Path:
        """Return the folder that results of calls are kept in, for attempts that go on."""
        return self.root(instance) / _CACHE

    def of_run(self, run: dg.DagsterRun, instance: dg.DagsterInstance) -> Path:
        """Return the results folder of a run.

        A run that goes on from the failure of another one completes the results of that one.
        """
        while run.parent_run_id and run.step_keys_to_execute:
            parent = instance.get_run_by_id(run.parent_run_id)
            if parent is None or parent.is_success:
                break
            run = parent
        return self.root(instance) / str(run.job_name) / str(run.run_id)

    def address(self, path: Path, instance: dg.DagsterInstance) -> dg.MetadataValue:
        """Return the link to a file of the results, or its path if nobody serves it."""
        if not self.url:
            return dg.MetadataValue.path(str(path))
        return dg.MetadataValue.url(
            f"{self.url.rstrip('/')}/{path.relative_to(self.root(instance)).as_posix()}"
        )


def write_result(bundle: Bundle, result: Any, folder: Path, inputs: Iterable[Path]) -> list[Path]:
    """Write result.json and the dashboard's page as the workflow's command does; return the paths."""
    return write_results(
        with_layout(result, bundle.layout()), folder, workflow=bundle.function, inputs=inputs
    )


def materialization(
    job: str, result: Any, addresses: Mapping[str, dg.MetadataValue]
) -> dg.AssetMaterialization:
    """Return the event of a result: a link to each file, and a preview."""
    kind = "dashboard" if isinstance(result, Dashboard) else "result"
    metadata: dict[str, dg.MetadataValue] = {
        **{name.replace(".", "_"): address for name, address in addresses.items()},
        "preview": dg.MetadataValue.md(_preview(result)),
    }
    return dg.AssetMaterialization(asset_key=[job, kind], metadata=metadata)


def _preview(result: Any) -> str:
    if not isinstance(result, Dashboard):
        text = json.dumps(to_json(result), indent=1, ensure_ascii=False)
        return f"```json\n{text[:_PREVIEW_CHARACTERS]}\n```"
    return "\n\n".join(
        [f"## {_escaped(result.title)}", _escaped(result.description), *_cards(result)]
    ).strip()


def _cards(dashboard: Dashboard) -> Iterator[str]:
    """Yield a line for each card: its number or text, or what it draws."""
    for card in dashboard.cards:
        content = card.views[0].content if card.views else None
        if isinstance(content, SingleValue):
            shown = f"**{_escaped(str(content.value))}** {_escaped(content.unit)}".strip()
        elif isinstance(content, TextView):
            shown = _escaped(content.text)
        else:
            shown = _escaped(card.description)
        groups = f" ({len(card.views)} groups)" if len(card.views) > 1 else ""
        yield f"- {_escaped(card.title)}{groups}: {shown}".rstrip(": ")


def _escaped(text: str) -> str:
    """Return a text that Markdown does not read as its own marks."""
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>#|!" else mark for mark in text)
