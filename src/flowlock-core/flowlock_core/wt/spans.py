"""The spans of a run where the runner of wt wants them: the options of its command line for OpenTelemetry."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowlock_core.runs.blobs import Blobs
from flowlock_core.runs.exporters import EXPORTER

FILE = "otel_traces.jsonl"
# The names under which packages of OpenTelemetry register them.
_EXPORTERS = {"console": "console", "gcp": "gcp_trace"}


@contextmanager
def exported_spans(exporter: str | None, destination: str, blobs: Blobs) -> Iterator[None]:
    """Export the spans of the run in the block: to an exporter, or to a file that is put to the results."""
    if exporter is None:
        yield
        return
    os.environ[EXPORTER] = _EXPORTERS[exporter]
    if exporter != "console" or destination != "file":
        yield
        return
    with tempfile.TemporaryDirectory(prefix="flowlock-spans-") as folder:
        file = Path(folder, FILE)
        with _provider_writing(file):
            yield
        if file.exists():
            blobs.put(FILE, file)


@contextmanager
def _provider_writing(file: Path) -> Iterator[None]:
    """Let OpenTelemetry write one JSON object a line, if it is installed."""
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    except ImportError:
        sys.stderr.write("warning: the run is not traced, because opentelemetry-sdk is not installed\n")
        yield
        return
    with file.open("w", encoding="utf-8") as stream:
        provider = TracerProvider(shutdown_on_exit=False)
        exporter = ConsoleSpanExporter(out=stream, formatter=_line)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        try:
            yield
        finally:
            provider.shutdown()


def _line(span: Any) -> str:
    return f"{span.to_json(indent=None)}\n"
