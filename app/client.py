"""A small client for the service, with retries that respect Retry-After.

    with Client("http://localhost:8000") as client:
        answer = client.neutralize(Path("photo.jpg"))
        Path("neutral.png").write_bytes(answer.picture)

Needs httpx (extra `client`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import BaseModel

from app.api.reports import Analyzed
from app.api.schemas import Info
from app.options import AnalyzeOptions, Options

__all__ = ["AnalyzeOptions", "Answer", "Client", "Options", "ServiceError"]

Photograph = bytes | Path

_AGAIN = frozenset({429, 503})


class ServiceError(Exception):
    """The service refused, as a problem document.

    Attributes:
        status: HTTP status.
        code: stable identifier, for example "no_face".
        detail: what happened this time.
        request_id: for the service's operator.
        problem: the whole document.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        """From a problem document."""
        self.status = status
        self.code = str(problem.get("code", "http_error"))
        self.detail = str(problem.get("detail", ""))
        self.request_id = problem.get("request_id")
        self.problem = problem
        super().__init__(f"{status} {self.code}: {self.detail}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A neutralized photograph.

    Attributes:
        picture: the file.
        media_type: of it, for example "image/jpeg".
        altered: whether any pixel was changed.
        model: name and version, for example "photo/0.1.0".
        provider: the execution provider it ran on.
        request_id: for the service's operator.
        headers: all facts (X-StoicNet-*, Server-Timing).
    """

    picture: bytes
    media_type: str
    altered: bool
    model: str
    provider: str
    request_id: str
    headers: Mapping[str, str]

    @property
    def png(self) -> bytes:
        """The picture, by the name that fits where no other format was asked for."""
        return self.picture


class Client:
    """Talks to one service; safe for several threads."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 3,
        longest_wait_s: float = 30.0,
    ) -> None:
        """Connect lazily.

        Args:
            base_url: for example "http://localhost:8000".
            api_key: where the service demands one.
            timeout_s: for one attempt.
            retries: further attempts after 429, 503 or a connection that failed.
            longest_wait_s: a longer Retry-After is not waited for; the error is raised.
        """
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout_s)
        self._retries = retries
        self._longest_wait_s = longest_wait_s

    def neutralize(self, photograph: Photograph, options: Options | None = None) -> Answer:
        """The same person with a neutral face.

        Raises:
            ServiceError: the service refused.
            httpx.TransportError: it cannot be reached.
        """
        options = options or Options()
        accept = f"image/{options.format or 'png'}"
        response = self._post("/neutralize", photograph, options, accept)
        headers = response.headers
        return Answer(
            picture=response.content,
            media_type=headers["Content-Type"],
            altered=headers["X-StoicNet-Altered"] == "true",
            model=headers["X-StoicNet-Model"],
            provider=headers["X-StoicNet-Provider"],
            request_id=headers["X-Request-ID"],
            headers=dict(headers),
        )

    def analyze(self, photograph: Photograph, options: AnalyzeOptions | None = None) -> Analyzed:
        """What the photograph shows.

        Raises:
            ServiceError: the service refused.
            httpx.TransportError: it cannot be reached.
        """
        response = self._post(
            "/analyze", photograph, options or AnalyzeOptions(), "application/json"
        )
        return Analyzed.model_validate_json(response.content)

    def info(self) -> Info:
        """Models, provider and limits of the service."""
        return Info.model_validate_json(
            self._send(self._http.build_request("GET", "/info")).content
        )

    def _post(
        self, route: str, photograph: Photograph, options: BaseModel, accept: str
    ) -> httpx.Response:
        data = photograph.read_bytes() if isinstance(photograph, Path) else photograph
        request = self._http.build_request(
            "POST",
            route,
            files={"file": ("photograph", data)},
            params=options.model_dump(exclude_unset=True, exclude_none=True),
            headers={"Accept": accept},
        )
        return self._send(request)

    def _send(self, request: httpx.Request) -> httpx.Response:
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = self._http.send(request)
            except httpx.ConnectError:
                if last:
                    raise
                time.sleep(min(2.0**attempt / 2, self._longest_wait_s))
                continue
            if response.status_code < 400:
                return response
            wait = _retry_after(response, attempt)
            if last or response.status_code not in _AGAIN or wait > self._longest_wait_s:
                raise _error(response)
            time.sleep(wait)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def _retry_after(response: httpx.Response, attempt: int) -> float:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else 2.0**attempt / 2


def _error(response: httpx.Response) -> ServiceError:
    try:
        problem = response.json()
    except ValueError:
        problem = {"detail": response.text[:300]}
    return ServiceError(response.status_code, problem if isinstance(problem, dict) else {})
