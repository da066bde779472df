"""Traces of runs, by OpenTelemetry's own SDK: to its exporter in memory, and over HTTP to a receiver here."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from flowlock_core import masking
from flowlock_core.cli import main
from servers.postgres import PARTS, use_connection_parts
from shared import require_part
from wt_runner import WtRunner

SOURCE = '''
"""A workflow with a map, that fails on request."""
from typing import Any
from flowlock_core.execute import Steps
from flowlock_core.task import task


@task
def numbers(count: int = 2) -> list[int]:
    """Count."""
    return list(range(count))


@task
def double(number: int, wrong: int = -1) -> int:
    """Double a number, but a wrong one."""
    if number == wrong:
        raise ValueError("planted-secret-7")
    return number * 2


@task
def total(values: list[int]) -> int:
    """Add."""
    return sum(values)


def flow(step: Steps) -> Any:
    """Add doubled numbers."""
    counted = step(numbers, "counted").call()
    doubled = step(double, "doubled").map(argnames="number", argvalues=counted)
    return step(total, "added").partial(values=doubled).call()
'''
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SITE = PARTS / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_connection_parts()
    require_part(found=find_spec("opentelemetry") is not None, part="the Python package opentelemetry-sdk")
    (tmp_path / "traced_flow.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith(("OTEL_", "TRACE"))]:
        monkeypatch.delenv(variable)
    return tmp_path


@pytest.fixture(scope="module")
def exporter() -> Any:
    """Set the provider of this process, once, as `opentelemetry-instrument` does."""
    use_connection_parts()
    require_part(found=find_spec("opentelemetry") is not None, part="the Python package opentelemetry-sdk")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    return memory


def spans_of(exporter: Any, *arguments: str, code: int = 0) -> dict[str, Any]:
    exporter.clear()
    assert main("traced_flow:flow", ["run", "-q", "--cache", "cache", *arguments]) == code
    spans = exporter.get_finished_spans()
    assert len({span.context.trace_id for span in spans}) == 1
    assert len({span.name for span in spans}) == len(spans)
    return {span.name: span for span in spans}


@pytest.mark.parametrize("executor", ["sequential", "threads", "processes", "eager"])
def test_a_run_has_spans_for_itself_its_steps_and_their_elements(
    executor: str, folder: Path, exporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    spans = spans_of(exporter, "--executor", executor, *(["--no-cache"] if executor == "eager" else []))
    elements = {"doubled[1]", "doubled[2]"} if executor != "eager" else set()
    assert set(spans) == {"run flow", "counted", "doubled", "added", *elements}
    run = spans["run flow"]
    assert f"{run.context.trace_id:032x}-{run.parent.span_id:016x}" in PARENT
    for name, span in spans.items():
        parent = spans["doubled"] if name in elements else run
        assert name == "run flow" or span.parent.span_id == parent.context.span_id
        assert span.start_time <= span.end_time <= run.end_time
        assert span.status.is_unset
    (kept,) = Path("results/runs").iterdir()
    assert {span.attributes["flowlock.run.id"] for span in spans.values()} == {kept.name}
    assert spans["doubled"].attributes["flowlock.calls"] == 2
    assert spans["doubled"].attributes["flowlock.status"] == "done"
    assert run.attributes["flowlock.state"] == "done"


def test_reused_steps_have_spans_too(folder: Path, exporter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    spans_of(exporter)
    spans = spans_of(exporter, "--resume")
    assert {
        name: span.attributes["flowlock.status"] for name, span in spans.items() if "run" not in name
    } == {
        "counted": "reused",
        "doubled": "reused",
        "added": "reused",
    }


def test_failures_are_recorded_without_secrets(
    folder: Path, exporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    monkeypatch.setattr(masking, "_known", set())
    masking.remember("planted-secret-7")
    spans = spans_of(exporter, "--set", "doubled.wrong=1", code=1)
    assert set(spans) == {"run flow", "counted", "doubled", "doubled[1]", "doubled[2]"}
    for name in ("run flow", "doubled", "doubled[2]"):
        span = spans[name]
        assert not span.status.is_ok
        assert span.status.description == "FL733 the task double failed: ValueError: ***"
        (event,) = span.events
        assert (event.name, event.attributes["exception.type"]) == ("exception", "FL733")
        assert "Traceback" in event.attributes["exception.stacktrace"]
    assert spans["doubled[1]"].status.is_unset
    assert "planted-secret" not in "".join(span.to_json() for span in spans.values())


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Receive what is sent by OTLP over HTTP."""
    bodies: list[tuple[str, bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", bodies
        finally:
            server.shutdown()
            thread.join()


RUN = """
import sys
from flowlock_core.cli import main
code = main("traced_flow:flow", ["run", "-q", "--no-cache", *sys.argv[1:]])
print("imported" if any(name.startswith("opentelemetry") for name in sys.modules) else "not imported")
sys.exit(code)
"""


def run_apart(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    packages = os.pathsep.join((str(folder), *sys.path, str(SITE)))
    environment = {**os.environ, "PYTHONPATH": packages, **variables}
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments], env=environment, check=False, capture_output=True, text=True
    )


def test_spans_are_sent_to_a_collector(folder: Path) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    with receiver() as (url, bodies):
        done = run_apart(folder, OTEL_EXPORTER_OTLP_ENDPOINT=url)
        assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    names, services = [], set()
    for path, body in bodies:
        assert path == "/v1/traces"
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            services |= {a.value.string_value for a in group.resource.attributes if a.key == "service.name"}
            names += [span.name for scope in group.scope_spans for span in scope.spans]
    assert sorted(names) == ["added", "counted", "doubled", "doubled[1]", "doubled[2]", "run flow"]
    assert services == {"flow"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SERVICE_NAME": "other"},
        {"TRACEPARENT": PARENT, "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_exporter_or_a_parent_nothing_is_imported(variables: dict[str, str], folder: Path) -> None:
    done = run_apart(folder, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "not imported"


def test_an_exporter_that_is_not_installed_is_a_warning(folder: Path) -> None:
    done = run_apart(folder, OTEL_TRACES_EXPORTER="zipkin")
    assert done.returncode == 0
    assert done.stderr == "warning: the run is not traced, because the exporter `zipkin` is not installed\n"
    assert done.stdout.splitlines()[-1] == "imported"


def test_the_exporter_to_the_console_leaves_stdout_alone(folder: Path) -> None:
    done = run_apart(folder, "--json", OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0, done.stderr
    assert '"name": "run flow"' in done.stderr
    assert json.loads(done.stdout.rpartition("imported")[0].removesuffix("not "))["ok"]


def test_the_runner_of_wt_gets_the_spans_in_a_file_of_the_results(folder: Path) -> None:
    runner = WtRunner(workflow="traced_flow:flow", folder=folder, path=folder)
    paths = os.pathsep.join([str(folder), str(SITE)])
    ended = runner.run(
        {},
        *("--otel-exporter", "console", "--otel-console-exporter-dst", "file"),
        extra={"PYTHONPATH": paths, "TRACEPARENT": PARENT, "FLOWLOCK_CACHE_DIR": str(folder / "cache")},
    )
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    lines = (runner.results / "otel_traces.jsonl").read_text().splitlines()
    spans = {span["name"]: span for span in map(json.loads, lines)}
    assert {"run flow", "counted", "doubled", "added"} <= set(spans)
    assert spans["run flow"]["parent_id"] in {f"0x{PARENT.split('-')[2]}", PARENT.split("-")[2]}
