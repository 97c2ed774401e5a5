"""Log lines: text for people, JSON for machines, each with the request it belongs to.

Nothing that a photograph shows is logged: no names of files, no boxes, no addresses of clients.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
"""The request that the current code works for."""

_TEXT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = REQUEST_ID.get()
        return True


def configure_logging(settings: Settings) -> None:
    """Send everything, uvicorn's lines too, to stderr in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_WithRequestId())
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    if as_json:
        names = {"asctime": "time", "levelname": "level", "name": "logger"}
        fields = "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s"
        handler.setFormatter(JsonFormatter(fields, rename_fields=names))
    else:
        handler.setFormatter(logging.Formatter(_TEXT))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # httpx and friends tell of every request at level info.
    logging.getLogger("httpx").setLevel(logging.WARNING)
