"""OpenTelemetry traces, where a collector is configured (extra `otel`).

A request's span and those of its stages are written when it has ended, from the times that were
measured anyway; nothing is kept in context variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from app.errors import StartupError
from app.version import software_version, to_install

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


class TracingUnavailableError(StartupError):
    code = "tracing_unavailable"
    title = "Traces were asked for and cannot be sent"


class Traces:
    """Sends spans to a collector in the background."""

    def __init__(self, endpoint: str, exporter: SpanExporter | None = None) -> None:
        """Set the exporter up.

        Args:
            endpoint: OTLP over HTTP, for example http://localhost:4318/v1/traces.
            exporter: another one, for tests.

        Raises:
            TracingUnavailableError: the extra is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingUnavailableError(
                f"STOICNET_OTLP_ENDPOINT needs: {to_install('otel')}"
            ) from error
        resource = Resource.create(
            {"service.name": "stoicnet", "service.version": software_version()}
        )
        self._provider = TracerProvider(resource=resource)
        chosen = exporter or OTLPSpanExporter(endpoint=endpoint)
        self._provider.add_span_processor(BatchSpanProcessor(chosen))
        self._tracer = self._provider.get_tracer("stoicnet")

    def request(
        self,
        route: str,
        headers: Mapping[str, str],
        start_ns: int,
        end_ns: int,
        attributes: Mapping[str, str | int],
        stages: Sequence[tuple[str, int, int]],
    ) -> None:
        """Record a request that has ended.

        Args:
            route: its path in the API.
            headers: its headers, for `traceparent`.
            start_ns, end_ns: nanoseconds since the epoch.
            attributes: of the span.
            stages: name, start and end of every stage.
        """
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(dict(headers))
        span = self._tracer.start_span(
            route,
            context=parent,
            kind=trace.SpanKind.SERVER,
            attributes=dict(attributes),
            start_time=start_ns,
        )
        inside = trace.set_span_in_context(span)
        for name, start, end in stages:
            self._tracer.start_span(name, context=inside, start_time=start).end(end)
        span.end(end_ns)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
