"""Closing the port of a uvicorn server so that what was sent to it by then is answered.

uvicorn by itself closes every connection on which it has not read a request yet, also when the
request lies there unread because the process is busy.
"""

from __future__ import annotations

import asyncio
import math

import uvicorn

from app.settings import Settings

_LOOK_S = 0.03
_TO_ACCEPT = 1
_TO_READ = 3  # turns of the loop from the connection to its first request
_CLOSE = (b"connection", b"close")


def longest_answer(settings: Settings) -> int:
    """Seconds after which everything that was accepted is answered, be it 408 or 504."""
    return math.ceil(settings.upload_timeout + settings.request_timeout) + 5


def ask_to_leave(server: uvicorn.Server) -> None:
    """Let every answer from here on end its connection, so that clients open others elsewhere."""
    config, state = server.config, server.server_state
    if _CLOSE not in config.encoded_headers:
        config.encoded_headers = [*config.encoded_headers, _CLOSE]
    if _CLOSE not in state.default_headers:
        state.default_headers = [*state.default_headers, _CLOSE]


async def close_port(server: uvicorn.Server) -> None:
    """Let in who has connected by now and nobody else, and read what they have sent."""
    ask_to_leave(server)
    await _look(_TO_ACCEPT)
    for listener in server.servers:
        listener.close()
    await _look(_TO_READ)


async def _look(times: int) -> None:
    """Let the loop look at its sockets so many times, however busy the machine is."""
    for _ in range(2 * times):  # uvloop runs timers that are due without looking
        await asyncio.sleep(_LOOK_S)
