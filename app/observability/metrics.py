"""Prometheus metrics of one running service, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from app.inference.registry import Model

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """All metrics.

    - `stoicnet_requests_total{route,status,code}`: code is the problem's, or "ok"
    - `stoicnet_request_seconds{route}`: from the request line to the end of the answer
    - `stoicnet_stage_seconds{stage}`: upload, queue, decode, detect, crop, measure, infer,
      composite, identity, encode
    - `stoicnet_batch_size`: crops in a run of a model
    - `stoicnet_faces_found`: faces in a photograph
    - `stoicnet_requests_waiting`, `stoicnet_requests_working`: accepted and without / with a worker
    - `stoicnet_requests_limit`: accepted requests from which on 429 is answered
    - `stoicnet_model_info{model,version,sha256,provider}`, `stoicnet_ready`
    - `process_*` (memory, CPU, files), `python_*`
    """

    def __init__(self) -> None:
        """Create and register them."""
        registry = CollectorRegistry()
        self._registry = registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.requests = Counter(
            "stoicnet_requests",
            "Requests answered.",
            ["route", "status", "code"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "stoicnet_request_seconds",
            "Time from the request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.stage_seconds = Histogram(
            "stoicnet_stage_seconds",
            "Time a photograph spent in a stage.",
            ["stage"],
            buckets=(0.001, 0.0025, *_SECONDS),
            registry=registry,
        )
        self.batch_size = Histogram(
            "stoicnet_batch_size",
            "Crops in one run of a model.",
            buckets=(1, 2, 3, 4, 6, 8, 12, 16, 32),
            registry=registry,
        )
        self.faces_found = Histogram(
            "stoicnet_faces_found",
            "Faces in a photograph.",
            buckets=(0, 1, 2, 3, 5, 10, 20, 50),
            registry=registry,
        )
        self._models = Gauge(
            "stoicnet_model_info",
            "1 for every loaded model.",
            ["model", "version", "sha256", "provider"],
            registry=registry,
        )

    def watch_models(self, models: Mapping[str, Model]) -> None:
        """Name the models, and observe their batches."""
        for model in models.values():
            labels = (model.name, model.version, model.sha256, model.session.provider)
            self._models.labels(*labels).set(1)
            model.batcher.on_batch = self.batch_size.observe

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """A gauge that asks `value` whenever it is read."""
        Gauge(name, description, registry=self._registry).set_function(value)

    def observe_stages(self, milliseconds: Mapping[str, float]) -> None:
        """Add the stage times of one photograph."""
        for stage, spent in milliseconds.items():
            self.stage_seconds.labels(stage).observe(spent / 1000)

    def text(self) -> bytes:
        """The exposition format, for a scrape."""
        return generate_latest(self._registry)
