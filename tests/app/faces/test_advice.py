from __future__ import annotations

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.advice import LEAST, RESTING_SCORE, SHADED, advise
from app.faces.exposure import DARK
from app.faces.meter import Expression
from app.faces.quality import Quality
from app.pipeline import Neutralizer
from tests.app.files import encode

Image = NDArray[np.uint8]


def qualities(value: int | None) -> dict[str, Quality]:
    return {component: Quality(0, "", value) for component, _ in LEAST.values()}


def test_every_code_has_its_threshold() -> None:
    calm = Expression(RESTING_SCORE, 0.0, 0.3)
    assert advise(qualities(100), calm, DARK, SHADED) == ()
    assert advise(qualities(None), None, DARK, SHADED) == (), (
        "what was not measured gives no advice"
    )
    smiling = Expression(RESTING_SCORE + 0.1, 0.0, 0.3)
    given = advise(qualities(0), smiling, DARK - 1, SHADED - 0.1)
    found = {each.code for each in given}
    assert found == {*LEAST, "neutral_expression", "more_light", "remove_sunglasses"}
    assert all(each.sentence.endswith(".") for each in given)
    for code, (component, least) in LEAST.items():
        assert advise({component: Quality(0, "", least)}, None, 255, 1) == ()
        [only] = advise({component: Quality(0, "", least - 1)}, None, 255, 1)
        assert (only.code, only.measure, only.threshold) == (code, component, least)


def codes(neutralizer: Neutralizer, image: Image) -> set[str]:
    [face, *_] = neutralizer.analyze(encode(image)).faces
    return {each.code for each in face.advice}


def test_a_photograph_is_advised_on_what_is_wrong_with_it(
    shipped: Neutralizer, astronaut: Image, two_faces: Image
) -> None:
    smile = codes(shipped, astronaut)
    assert "neutral_expression" in smile
    assert smile == {"neutral_expression", "close_mouth", "closer"}
    assert "more_light" in codes(shipped, np.asarray(astronaut * 0.15, np.uint8))
    assert "one_person" in codes(shipped, two_faces)
    assert "level_head" in codes(shipped, np.ascontiguousarray(np.rot90(astronaut)))
    assert "closer" in codes(shipped, astronaut)


def test_the_report_has_it(server: httpx.Client, astronaut: Image) -> None:
    report = server.post("/analyze", files={"file": encode(astronaut)}).json()
    given = {each["code"]: each for each in report["faces"][0]["advice"]}
    assert given["neutral_expression"]["value"] > given["neutral_expression"]["threshold"]
    assert "remove_sunglasses" not in given


@pytest.mark.parametrize("skin", [60, 130, 220])
def test_sunglasses(shipped: Neutralizer, astronaut: Image, skin: int) -> None:
    """Drawn on a face whose cheeks have three kinds of light."""
    face = cv2.convertScaleAbs(astronaut, alpha=skin / 200)
    [found, *_] = shipped.analyze(encode(face)).faces
    for eye in found.face.landmarks[:2]:
        x, y = (round(float(value)) for value in eye)
        cv2.ellipse(face, (x, y), (18, 13), 0, 0, 360, (15, 15, 18), -1)
    [worn, *_] = shipped.analyze(encode(face)).faces
    given = {each.code: each for each in worn.advice}
    assert given["remove_sunglasses"].value < SHADED
    assert "remove_sunglasses" not in {each.code for each in found.advice}
