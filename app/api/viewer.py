"""The API's description in the browser, at `/docs`: Swagger UI, from an installed package."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from app.api import page

HEADERS: Mapping[str, str] = {
    **page.HEADERS,
    # As the page's, and data: for the icons in Swagger UI's style sheet.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""What the viewer may do: talk to its own server."""


class _ViewerFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI) -> None:
    """Serve the viewer at `/docs` and its files under `/docs/swagger-ui`."""

    async def viewer() -> FileResponse:
        return FileResponse(page.WEB_DIR / "docs.html", headers=dict(HEADERS))

    app.add_api_route("/docs", viewer, methods=["GET", "HEAD"], include_in_schema=False)
    # Nothing of this package runs: it carries Swagger UI's files as released.
    files = _ViewerFiles(packages=[("fastapi_offline", "static")])
    app.mount("/docs/swagger-ui", files, name="swagger-ui")
