"""Closing the port of a uvicorn server so that what was sent to it by then is answered.

uvicorn by itself closes every connection on which it has not read a request yet, also when the
request lies there unread because the process is busy.
"""

from __future__ import annotations

import asyncio
import math

import uvicorn

from app.settings import Settings

_LOOKS, _LOOK_S = 5, 0.04
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
    """Refuse new connections, and read what was sent on those that are open."""
    ask_to_leave(server)
    for listener in server.servers:
        listener.close()
    # A connection that has just come needs several turns of the loop until its request is read, and
    # every sleep lets the loop look at its sockets, however busy the machine is.
    for _ in range(_LOOKS):
        await asyncio.sleep(_LOOK_S)
