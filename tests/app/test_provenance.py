"""What an altered picture says of itself, and the log that is kept of it."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import stat
from pathlib import Path

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from numpy.typing import NDArray
from PIL import Image as PilImage

from app.audit import AuditFileError, AuditLog, audit_facts
from app.imaging.content_credentials import ManifestSigner, SigningUnavailableError
from app.imaging.provenance import COMPOSITE
from app.options import Options
from app.pipeline import Neutralizer
from app.settings import Settings
from tests.app.files import encode

Image = NDArray[np.uint8]


def build(folder: Path, **settings: object) -> Neutralizer:
    return Neutralizer.build(
        Settings(models_dir=folder, device="cpu", warm_up=False, **settings)  # type: ignore[arg-type]
    )


def test_a_mark_is_visible_on_request(neutralizer: Neutralizer, astronaut: Image) -> None:
    plain = neutralizer.neutralize(encode(astronaut)).image
    marked = neutralizer.neutralize(encode(astronaut), Options(mark=True)).image
    rows, columns = np.nonzero((plain != marked).any(-1))
    assert rows.min() > 470
    assert columns.min() > 512 * 0.6
    assert marked[rows.min() :, columns.min() :].max() > 240  # white letters
    untouched = neutralizer.neutralize(encode(astronaut), Options(mark=True, strength=0))
    assert np.array_equal(untouched.image, astronaut)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A CA and a leaf for signing, both good for a day; chain and key as PEM files."""
    now = datetime.datetime.now(datetime.UTC)

    def builder(
        subject: str, issuer: str, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        def name(text: str) -> x509.Name:
            return x509.Name(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "StoicNet tests"),
                    x509.NameAttribute(NameOID.COMMON_NAME, text),
                ]
            )

        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    # digital_signature is the first of them, key_cert_sign the sixth.
    usage = [x509.KeyUsage(True, *[False] * 4, ca, *[False] * 3) for ca in (True, False)]
    root = (
        builder("root", "root", root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage[0], critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        builder("signer", "root", leaf_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage[1], critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(leaf.public_bytes(pem) + root.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "chain.pem", folder / "key.pem"


def test_a_certificate_signs_content_credentials(
    toy_models: Path, tmp_path: Path, astronaut: Image
) -> None:
    chain, key = certificate(tmp_path)
    service = build(toy_models, c2pa_certificate=chain, c2pa_private_key=key)
    result = service.neutralize(encode(astronaut))
    reader = c2pa.Reader("image/png", io.BytesIO(result.file))
    store = json.loads(reader.json())
    manifest = store["manifests"][store["active_manifest"]]
    assert COMPOSITE in json.dumps(manifest["assertions"])
    assert "thumbnail" not in manifest
    codes = [fault["code"] for fault in store.get("validation_status", [])]
    assert set(codes) <= {"signingCredential.untrusted"}  # nobody trusts our root, rightly
    with PilImage.open(io.BytesIO(result.file)) as image:
        assert np.array_equal(np.asarray(image), result.image)
    assert result.output_sha256 == hashlib.sha256(result.file).hexdigest()
    # What was not altered is not signed as altered.
    untouched = service.neutralize(encode(astronaut), Options(strength=0))
    assert b"c2pa" not in untouched.file
    # A changed pixel breaks the signature.
    spoilt = bytearray(result.file)
    spoilt[-40] ^= 1
    broken = json.loads(c2pa.Reader("image/png", io.BytesIO(bytes(spoilt))).json())
    assert "assertion.dataHash.mismatch" in {f["code"] for f in broken["validation_status"]}


def test_half_a_certificate_ends_the_start(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    with pytest.raises(SigningUnavailableError, match="go together"):
        ManifestSigner.of(Settings(c2pa_certificate=chain))
    key.write_text("no key")
    with pytest.raises(SigningUnavailableError, match=r"key\.pem"):
        ManifestSigner.of(Settings(c2pa_certificate=chain, c2pa_private_key=key))


def test_the_audit_log_holds_hashes_and_no_pixels(
    neutralizer: Neutralizer, tmp_path: Path, astronaut: Image
) -> None:
    path = tmp_path / "audit.jsonl"
    result = neutralizer.neutralize(encode(astronaut))
    for request_id in ("a", "b"):
        log = AuditLog(path)  # opened anew: appended, not overwritten
        log.write(request_id=request_id, code="ok", **audit_facts(result))
        log.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["request_id"] for line in lines] == ["a", "b"]
    assert lines[0]["output_sha256"] == result.output_sha256
    assert lines[0]["faces"] == [
        {"altered": True, "share": pytest.approx(result.faces[0].altered_share, abs=1e-5)}
    ]
    assert len(path.read_bytes()) < 1500
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(AuditFileError):
        AuditLog(tmp_path / "absent" / "audit.jsonl")
