"""Whether a run is traced, and where its spans go, as the variables of OpenTelemetry say."""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

PARENT = "TRACEPARENT"
EXPORTER = "OTEL_TRACES_EXPORTER"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_GROUP = "opentelemetry_traces_exporter"
_OTLP = {"http/protobuf": ("otlp_proto_http",), "grpc": ("otlp_proto_grpc",)}


def is_traced(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment asks for traces, and OpenTelemetry is installed."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get(EXPORTER) == "none":
        return False
    wanted = any(environ.get(variable) for variable in (PARENT, EXPORTER, *_ENDPOINTS))
    return wanted and find_spec("opentelemetry") is not None


def provider_of(service: str) -> "tuple[TracerProvider, Any]":
    """Return what makes tracers, and the same to shut down at the end, if this run has made it.

    A provider that this process has already, for example by `opentelemetry-instrument`, is used.
    """
    from opentelemetry import trace

    current = trace.get_tracer_provider()
    exporters = list(_exporters(os.environ))
    if not (isinstance(current, trace.ProxyTracerProvider) and exporters):
        return current, None
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or service})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider, provider


def _exporters(environ: Mapping[str, str]) -> Iterator[Any]:
    """Yield the exporters that the environment names; a warning tells which are not installed."""
    if not any(environ.get(variable) for variable in (EXPORTER, *_ENDPOINTS)):
        return
    for name in environ.get(EXPORTER, "otlp").split(","):
        exporter = _exporter(name.strip(), environ)
        if exporter is None:
            reason = f"because the exporter `{name.strip()}` is not installed"
            sys.stderr.write(f"warning: the run is not traced, {reason}\n")
        else:
            yield exporter


def _exporter(name: str, environ: Mapping[str, str]) -> Any:
    """Return an exporter by its name, None if it is not installed."""
    from importlib.metadata import entry_points

    entries = {entry.name: entry for entry in entry_points(group=_GROUP)}
    for known in _entry_names(name, environ):
        if known in entries:
            make = entries[known].load()
            # The results of a run are on stdout.
            return make(out=sys.stderr) if known == "console" else make()
    return None


def _entry_names(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names under which packages register an exporter."""
    if name != "otlp":
        return (name,)
    for variable in _PROTOCOLS:
        if environ.get(variable) in _OTLP:
            return _OTLP[environ[variable]]
    return ("otlp", "otlp_proto_http", "otlp_proto_grpc")
