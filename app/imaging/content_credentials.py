"""Signed C2PA manifests ("content credentials") in a picture, where a certificate is configured."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import StartupError
from app.imaging.provenance import COMPOSITE
from app.settings import Settings
from app.version import to_install

if TYPE_CHECKING:
    import c2pa


class SigningUnavailableError(StartupError):
    code = "signing_unavailable"
    title = "C2PA manifests were asked for and cannot be signed"


class ManifestSigner:
    """Signs pictures with one certificate; thread-safe."""

    def __init__(
        self, certificate: Path, private_key: Path, algorithm: str, timestamp_url: str | None = None
    ) -> None:
        """Read the certificate chain and the key (both PEM), and try them.

        Raises:
            SigningUnavailableError: the extra is not installed, or they cannot be used.
        """
        try:
            import c2pa
        except ImportError as error:
            raise SigningUnavailableError(
                f"STOICNET_C2PA_CERTIFICATE needs: {to_install('c2pa')}"
            ) from error
        self._c2pa = c2pa
        try:
            self._chain = certificate.read_bytes()
            self._key = private_key.read_bytes()
            self._algorithm = algorithm
            self._timestamp_url = timestamp_url
            self._signer().close()
        except (OSError, c2pa.C2paError) as error:
            raise SigningUnavailableError(
                f"{certificate} and {private_key} cannot sign with {algorithm}: {error}"
            ) from error

    @classmethod
    def of(cls, settings: Settings) -> ManifestSigner | None:
        """The configured signer; None without a certificate.

        Raises:
            SigningUnavailableError: as the constructor; or one of certificate and key is missing.
        """
        certificate, key = settings.c2pa_certificate, settings.c2pa_private_key
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            raise SigningUnavailableError(
                "STOICNET_C2PA_CERTIFICATE and STOICNET_C2PA_PRIVATE_KEY go together."
            )
        return cls(certificate, key, settings.c2pa_algorithm, settings.c2pa_timestamp_url)

    def sign(self, picture: bytes, media_type: str, software: str, version: str) -> bytes:
        """The picture with a manifest that says a trained algorithm edited it.

        Args:
            picture: an altered one, as a file.
            media_type: image/png, image/jpeg or image/webp.
            software: what altered it, for example "StoicNet".
            version: of that.
        """
        agent = {"name": software, "version": version}
        manifest = {
            "claim_generator_info": [agent],
            "format": media_type,
            "assertions": [
                {
                    "label": "c2pa.actions.v2",
                    "data": {
                        "actions": [
                            {
                                "action": "c2pa.created",
                                "softwareAgent": agent,
                                "digitalSourceType": COMPOSITE,
                                "description": "A face's expression was made neutral.",
                            }
                        ]
                    },
                }
            ],
        }
        settings = {"builder": {"thumbnail": {"enabled": False}}}
        context = self._c2pa.Context(self._c2pa.Settings.from_dict(settings))
        signed = io.BytesIO()
        with self._signer() as signer:
            builder = self._c2pa.Builder(json.dumps(manifest), context)
            builder.sign(signer, media_type, io.BytesIO(picture), signed)
        return signed.getvalue()

    def _signer(self) -> c2pa.Signer:
        # A signer of the native library belongs to one call: nothing is shared by threads.
        info = self._c2pa.C2paSignerInfo(
            self._algorithm, self._chain, self._key, self._timestamp_url
        )
        return self._c2pa.Signer.from_info(info)
