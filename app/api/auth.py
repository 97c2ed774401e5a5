"""API keys: who may send photographs."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from app.api.problems import UnauthorizedError
from app.errors import StartupError
from app.settings import Settings

_Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Security(HTTPBearer(auto_error=False, scheme_name="bearer")),
]
_Header = Annotated[
    str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header"))
]


class ApiKeysFileError(StartupError):
    code = "bad_api_keys_file"
    title = "The file of API keys cannot be used"


class ApiKeys:
    """The keys that are accepted; without any, everybody is let in."""

    def __init__(self, keys: list[str]) -> None:
        """Keep digests of the keys, never the keys."""
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    @classmethod
    def of(cls, settings: Settings) -> ApiKeys:
        """The keys of the environment (separated by commas) and of the file (one a line).

        Raises:
            ApiKeysFileError: the file cannot be read or holds no key.
        """
        keys = [key.strip() for key in settings.api_keys.get_secret_value().split(",")]
        if settings.api_keys_file is not None:
            keys += _keys_of(settings.api_keys_file)
        return cls([key for key in keys if key])

    def check(self, given: str) -> str | None:
        """The accepted key's name: the first 8 hex digits of its sha256; None without keys.

        Raises:
            UnauthorizedError: no key, or a wrong one.
        """
        if not self._digests:
            return None
        digest = hashlib.sha256(given.encode()).digest()
        # Every key is compared, in constant time: how long it takes tells nothing.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        if not any(matches):
            raise UnauthorizedError(
                "Send a valid key as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
            )
        return digest.hex()[:8]


async def checked_key(request: Request, bearer: _Bearer, header: _Header) -> str | None:
    """What a route that takes photographs depends on: the name of the key, see `ApiKeys.check`."""
    keys: ApiKeys = request.app.state.keys
    return keys.check((bearer.credentials if bearer else "") or header or "")


CheckedKey = Annotated[str | None, Depends(checked_key)]


def _keys_of(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiKeysFileError(f"{path} cannot be read: {error}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        # An empty file must not open the service to everybody.
        raise ApiKeysFileError(f"{path} holds no key.")
    return keys
