"""The routes: HTTP in, the pipeline in a worker thread, HTTP out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.accept import check_json, wanted_kind
from app.api.auth import CheckedKey
from app.api.choices import choose, request_body
from app.api.documented import ANALYZED, FACTS, INFO, METRICS, NEUTRALIZED, OK, STAGES, problems
from app.api.info import describe
from app.api.problems import NotReadyError
from app.api.reports import Analyzed, Neutralized
from app.api.schemas import Health, Info
from app.api.service import Service, Work, service_of
from app.audit import audit_facts
from app.options import AnalyzeOptions, OptionFields, Options
from app.progress import Progress
from app.result import Result

# Operations are called as their functions.
router = APIRouter(generate_unique_id_function=lambda route: route.name)

_REFUSALS = (400, 401, 406, 408, 413, 415, 422, 429, 503, 504)
# A key is one of two headers, or not needed at all: that is for the operator to say.
_BINARY = {"type": "string", "format": "binary"}
_ANYBODY: dict[str, Any] = {"security": [{}]}


def _facts(result: Result) -> Mapping[str, str]:
    """The facts about an answer that travel in headers."""
    boxes = "; ".join(",".join(f"{v:.0f}" for v in edited.face.box) for edited in result.faces)
    headers = {
        "X-StoicNet-Model": f"{result.model}/{result.version}",
        "X-StoicNet-Provider": result.provider,
        "X-StoicNet-Altered": str(result.altered).lower(),
        "X-StoicNet-Face-Box": boxes,
        "Server-Timing": _server_timing(result.timings),
    }
    befores = [f"{face.before.score:.3f}" for face in result.faces if face.before]
    afters = [f"{face.after.score:.3f}" for face in result.faces if face.after]
    if befores and afters:  # only with a meter
        headers["X-StoicNet-Expression-Before"] = "; ".join(befores)
        headers["X-StoicNet-Expression-After"] = "; ".join(afters)
    if result.warnings:
        # Headers are one line of Latin-1; a warning may quote a file.
        text = " | ".join(result.warnings).encode("ascii", "replace").decode()
        headers["X-StoicNet-Warnings"] = "".join(c if c.isprintable() else " " for c in text)[:900]
    return headers


def _server_timing(timings: Mapping[str, float]) -> str:
    return ", ".join(f"{stage};dur={spent:.1f}" for stage, spent in timings.items())


@router.post(
    "/neutralize",
    tags=["photographs"],
    response_class=Response,
    responses={
        200: {
            "description": "The picture in the format that `format` or `Accept` asks for, or with "
            "`Accept: application/json` a report with the picture in base64",
            "headers": FACTS,
            "content": {
                **{kind: {"schema": _BINARY} for kind in ("image/png", "image/jpeg", "image/webp")},
                "application/json": {"example": NEUTRALIZED},
            },
            "model": Neutralized,
        },
        **problems(*_REFUSALS),
    },
    openapi_extra={"requestBody": request_body(Options), **_ANYBODY},
)
async def neutralize(
    request: Request, key: CheckedKey, options: Annotated[OptionFields, Query()]
) -> Response:
    """Turn the portrait into a neutral-expression portrait of the same person."""
    service = service_of(request)
    accept = request.headers.get("accept", "")
    wanted_kind(accept)  # what can never be answered is refused before the upload
    query = request.query_params.multi_items()

    def plan(fields: list[tuple[str, Any]]) -> Work:
        chosen = choose(Options, options, query, fields)
        as_json, picture = wanted_kind(accept, chosen.format)
        chosen = chosen.for_format(picture)

        def work(data: bytes, progress: Progress) -> tuple[Response, dict[str, Any]]:
            result = service.neutralizer.neutralize(data, chosen, progress)
            body, media_type = result.file, result.media_type
            if as_json:
                body = Neutralized.of(result).model_dump_json().encode()
                media_type = "application/json"
            headers = {**_facts(result), "Vary": "Accept"}
            facts = audit_facts(result) if service.audit is not None else {}
            return Response(body, media_type=media_type, headers=headers), facts

        return work

    return await service.answer(request, plan, key)


@router.post(
    "/analyze",
    tags=["photographs"],
    response_class=Response,
    responses={
        200: {
            "description": "The report",
            "headers": STAGES,
            "content": {"application/json": {"example": ANALYZED}},
            "model": Analyzed,
        },
        **problems(*_REFUSALS),
    },
    openapi_extra={"requestBody": request_body(AnalyzeOptions), **_ANYBODY},
)
async def analyze(
    request: Request, key: CheckedKey, options: Annotated[AnalyzeOptions, Query()]
) -> Response:
    """Say what the photograph shows: faces, quality, expression. Nothing is altered."""
    service = service_of(request)
    check_json(request.headers.get("accept", ""))
    query = request.query_params.multi_items()

    def plan(fields: list[tuple[str, Any]]) -> Work:
        chosen = choose(AnalyzeOptions, options, query, fields)

        def work(data: bytes, progress: Progress) -> tuple[Response, dict[str, Any]]:
            analysis = service.neutralizer.analyze(data, chosen, progress)
            body = Analyzed.of(analysis).model_dump_json().encode()
            headers = {"Server-Timing": _server_timing(analysis.timings)}
            return Response(body, media_type="application/json", headers=headers), {}

        return work

    return await service.answer(request, plan, key)


@router.get("/info", tags=["service"], responses={**INFO, **problems(503)})
async def info(request: Request) -> Info:
    """Version, models with their hashes, the provider that really runs, limits."""
    service = service_of(request)
    return describe(service.neutralizer, service.settings)


@router.get("/livez", tags=["service"], responses={**OK, **problems(503)})
async def livez(request: Request) -> Health:
    """Whether the process answers and its models run; if not, restart it."""
    service = getattr(request.app.state, "service", None)
    if isinstance(service, Service):
        _refuse_dead(service)
    return Health(status="ok")


@router.get("/readyz", tags=["service"], responses={**OK, **problems(503)})
async def readyz(request: Request) -> Health:
    """Whether photographs can be sent: the models are loaded, warm and running."""
    service = service_of(request)
    if service.draining.is_set():
        raise NotReadyError("The service is stopping; it finishes what it has accepted.")
    _refuse_dead(service)
    return Health(status="ok")


def _refuse_dead(service: Service) -> None:
    if dead := service.dead_models():
        raise NotReadyError(f"The last runs of the model {', '.join(dead)} all failed.")


@router.get(
    "/metrics",
    tags=["service"],
    response_class=Response,
    responses=METRICS,
)
async def metrics(request: Request) -> Response:
    """What Prometheus scrapes."""
    text = request.app.state.metrics.text()
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
