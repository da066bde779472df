"""Results on disk: result.json, and the page of a dashboard."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_core.page import render_page
from flowlock_core.results import Dashboard, Position, to_json
from flowlock_core.store.whole_files import write_whole

RESULT = "result.json"


def write_results(
    result: Any,
    folder: Path,
    *,
    workflow: str,
    inputs: Iterable[Path] = (),
) -> list[Path]:
    """Write result.json and, for a dashboard, dashboard.html; return the paths, the page last.

    `inputs` are the files that the run read; result.json lists them.
    """
    document = {"workflow": workflow, "inputs": sorted(map(str, inputs)), "result": to_json(result)}
    return write_document(document, result, folder)


def write_document(document: Mapping[str, Any], result: Any, folder: Path) -> list[Path]:
    """Write a document about a result as result.json, a dashboard also as a page; return the paths."""
    written = [write_text(folder / RESULT, json.dumps(document, indent=1, ensure_ascii=False) + "\n")]
    if isinstance(result, Dashboard):
        written.append(write_text(folder / "dashboard.html", render_page(result)))
    return written


def with_layout(result: Any, layout: Mapping[int, Position]) -> Any:
    """Return the result; a dashboard's cards have their places, if there is a layout."""
    return replace(result, layout=layout) if isinstance(result, Dashboard) and layout else result


def write_text(path: Path, text: str) -> Path:
    """Write a whole file beside its place and rename it; a WorkflowError explains why that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise WorkflowError(
            f"cannot write {path}: {error.strerror or error}",
            code="FL734",
            hint="choose another folder with --results, or free some space",
        ) from error
    return path
