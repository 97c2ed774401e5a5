"""What users come for: a smiling portrait comes back neutral, and still the same picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.detector import Face, FaceDetector
from app.pipeline import Neutralizer, Options
from tests.app.files import encode

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def face(detector: FaceDetector, astronaut: Image) -> Face:
    return detector.detect(astronaut)[0]


@pytest.fixture(scope="module")
def neutral(shipped: Neutralizer, astronaut: Image) -> Image:
    return shipped.neutralize(encode(astronaut)).image


def mouth(image: Image, face: Face) -> Image:
    """The middle of the mouth: between its corners, an eighth of the eye distance up and down."""
    right, left = face.landmarks[3], face.landmarks[4]
    (x0, y0), (x1, y1) = np.minimum(right, left), np.maximum(right, left)
    inset, reach = 0.2 * (x1 - x0), 0.125 * face.eye_distance
    return image[int(y0 - reach) : int(y1 + reach), int(x0 + inset) : int(x1 - inset)]


def redness(image: Image, face: Face) -> float:
    """Mean CIELAB a* of the mouth: teeth have little, lips have much."""
    lab = cv2.cvtColor(mouth(image, face), cv2.COLOR_RGB2LAB).astype(float)
    return float(lab[..., 1].mean() - 128)


def teeth(image: Image, face: Face) -> float:
    """Share of the mouth that is as good as colourless, as teeth are and lips and skin are not."""
    lab = cv2.cvtColor(mouth(image, face), cv2.COLOR_RGB2LAB)
    return float((lab[..., 1] < 128 + 6).mean())


def mouth_width(image: Image, detector: FaceDetector) -> float:
    """How far apart the mouth's corners are, in eye distances."""
    eyes, _, corners = np.split(detector.detect(image)[0].landmarks, [2, 3])
    return float(np.linalg.norm(corners[1] - corners[0]) / np.linalg.norm(eyes[1] - eyes[0]))


def smile_curve(image: Image, face: Face) -> float:
    """How far the lips' ends lie above their middle, in eye distances: 0 is a straight mouth.

    By colour: the largest patch that is redder than yellow, at five thresholds, because one alone
    sees one mouth 0.01 more or less bent. How far YuNet's corners lie below the nose cannot tell
    it: from 0.8 to 2 times the picture's size that is 0.41 to 0.43 of the smile, and 0.41 to 0.44
    of the neutral face.
    """
    distance = face.eye_distance
    x, y = face.landmarks[3:].mean(0)
    rows = slice(int(y - 0.35 * distance), int(y + 0.45 * distance))
    part = image[rows, int(x - 0.75 * distance) : int(x + 0.75 * distance)]
    large = cv2.resize(part, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    lab = cv2.GaussianBlur(cv2.cvtColor(large, cv2.COLOR_RGB2LAB), (0, 0), 2).astype(float)
    red = lab[..., 1] - 0.5 * lab[..., 2]
    found = [bent(red > np.percentile(red, share)) for share in (84, 86, 88, 90, 92)]
    return float(np.mean(found)) / (4 * distance)


def bent(patches: NDArray[np.bool_]) -> float:
    """How far the ends of the largest patch lie above its middle, in pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(patches.astype(np.uint8))
    down, across = np.nonzero(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))
    ends = [down[across <= across.min() + 6].mean(), down[across >= across.max() - 6].mean()]
    middle = down[np.abs(across - (across.min() + across.max()) / 2) < 6]
    return float((middle.min() + middle.max()) / 2 - np.mean(ends))


def sharpness(image: Image, face: Face) -> float:
    x, y, width, height = (int(value) for value in face.box)
    grey = cv2.cvtColor(image[y : y + height, x : x + width], cv2.COLOR_RGB2GRAY)
    return float(np.sqrt(np.mean(cv2.Laplacian(grey, cv2.CV_32F) ** 2)))


def test_teeth_give_way_to_lips(astronaut: Image, neutral: Image, face: Face) -> None:
    assert redness(neutral, face) > redness(astronaut, face) + 2


def test_mouth_corners_come_down_and_together(
    detector: FaceDetector, astronaut: Image, neutral: Image, face: Face
) -> None:
    assert mouth_width(neutral, detector) < 0.97 * mouth_width(astronaut, detector)
    assert smile_curve(astronaut, face) > 0.1
    assert abs(smile_curve(neutral, face)) < 0.03


def test_eyes_and_everything_round_the_face_stay(
    astronaut: Image, neutral: Image, face: Face
) -> None:
    for eye in face.landmarks[:2]:
        x, y = (int(value) for value in eye)
        before, after = (
            im[y - 5 : y + 6, x - 8 : x + 9].astype(float) for im in (astronaut, neutral)
        )
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.8
    changed = (astronaut != neutral).any(2)
    x, y, width, height = face.box
    rows, columns = np.nonzero(changed)
    assert columns.min() > x - 0.4 * width
    assert columns.max() < x + 1.4 * width
    assert rows.min() > y - 0.2 * height
    assert rows.max() < y + 1.3 * height


def test_the_face_stays_sharp(astronaut: Image, neutral: Image, face: Face) -> None:
    # Teeth are the sharpest part of this smile, and they are gone.
    assert sharpness(neutral, face) > 0.7 * sharpness(astronaut, face)


def test_grey_in_grey_out(shipped: Neutralizer, astronaut: Image) -> None:
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    image = shipped.neutralize(encode(grey)).image
    assert np.array_equal(image[..., 0], image[..., 1])
    assert np.array_equal(image[..., 0], image[..., 2])


def test_strength_is_a_way_from_one_to_the_other(
    shipped: Neutralizer, detector: FaceDetector, astronaut: Image, neutral: Image, face: Face
) -> None:
    untouched = shipped.neutralize(encode(astronaut), Options(strength=0.0))
    assert not untouched.altered
    assert np.array_equal(untouched.image, astronaut)
    half = shipped.neutralize(encode(astronaut), Options(strength=0.5)).image
    way = [astronaut, half, neutral]
    widths = [mouth_width(image, detector) for image in way]
    assert widths[0] > widths[1] > widths[2]
    curves = [smile_curve(image, face) for image in way]
    assert curves[0] > curves[1] > curves[2]
    assert curves[0] > 3 * curves[2]
    # Redness is highest at three quarters, where lips are still wide: teeth tell the rest.
    lips = [redness(image, face) for image in way]
    assert lips[0] + 2 < min(lips[1:])
    # At a half one pixel may be left of them, at a quarter there are many.
    quarter = shipped.neutralize(encode(astronaut), Options(strength=0.25)).image
    shown = [teeth(image, face) for image in (astronaut, quarter, half, neutral)]
    assert shown[0] > 2 * shown[1] > 20 * shown[2]
    assert shown[2] >= shown[3]
    scores = []
    for strength in (0.25, 0.5, 0.75, 1.0):
        face = shipped.neutralize(encode(astronaut), Options(strength=strength)).faces[0]
        assert face.before is not None
        assert face.after is not None
        scores += [face.after.score] if scores else [face.before.score, face.after.score]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.5 * scores[0]
