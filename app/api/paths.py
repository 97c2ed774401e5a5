"""Paths with a slash at their end are the same paths without it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class SlashMiddleware:
    """Answers `/neutralize/` as `/neutralize`: a redirect would lose uploads of many clients."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        root = scope.get("root_path", "").rstrip("/")
        path = scope.get("path", "")
        shorter = path.rstrip("/")
        if scope["type"] == "http" and path.endswith("/") and shorter not in ("", root):
            # In place: whoever is around us reads the route that is found for it from here.
            scope["path"] = shorter
            if scope.get("raw_path") is not None:
                scope["raw_path"] = scope["raw_path"].rstrip(b"/")
        await self.app(scope, receive, send)
