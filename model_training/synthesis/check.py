"""Measure a pair set with independent instruments: detector, landmarks, recogniser.

Runs in the evaluation's environment (MediaPipe and dlib). Action-unit labels are compared with what
MediaPipe's landmarks say changed between the two members, so a label that is not in the picture
lowers its correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR
from model_training.portraits.landmarks import OUTLINE
from model_training.synthesis.store import open_pairs

if TYPE_CHECKING:
    from app.faces.detector import FaceDetector
    from model_training.measure.expression import Expression, ExpressionMeter
    from model_training.measure.identity import DlibRecogniser

Floats = NDArray[np.float64]

SAME_PERSON = 0.6
"""dlib's own threshold on the distance of two descriptors."""
FAR = 1.0
"""Pixels further than this from both faces' outlines, in inter-oculars, count as far away."""
LID_UNITS = ("AU43", "AU5", "AU6", "AU7")
"""Action units that move the lids: closing, upper lid raiser, cheek raiser, lid tightener."""
MOUTH_CORNERS, EYE_CORNERS = (61, 291), (33, 263)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
"""Whole brows: the inner brow raiser lifts their inner ends, which the middle does not follow."""


@dataclass(frozen=True, slots=True)
class PairReading:
    """One pair, measured.

    Attributes:
        detected: both members found by the detector.
        distance: of the members' descriptors.
        changes: lip gap, mouth width and brow height, expressive minus neutral, in distances of
            the eyes; eye opening as a share of the neutral member's.
        far_change: greatest difference far from the face, grey levels; nan where none is far.
    """

    detected: bool
    distance: float
    changes: dict[str, float]
    far_change: float


def check(folder: Path, count: int, seed: int) -> dict[str, float]:
    """Measure `count` random pairs of a finished set; see `summary` for the answer."""
    from app.faces.detector import FaceDetector
    from model_training.measure.assets import (
        DLIB_FIVE_POINTS,
        DLIB_RESNET,
        FACE_LANDMARKER,
    )
    from model_training.measure.expression import ExpressionMeter
    from model_training.measure.identity import DlibRecogniser

    pairs, _, labels = open_pairs(folder)
    rows = np.random.default_rng(seed).choice(len(pairs), min(count, len(pairs)), replace=False)
    detector = FaceDetector()
    meter = ExpressionMeter(FACE_LANDMARKER.path())
    recogniser = DlibRecogniser(DLIB_RESNET.path(), DLIB_FIVE_POINTS.path())
    readings: list[tuple[dict[str, str], PairReading | None]] = []
    for row in tqdm(np.sort(rows), unit="pair"):
        both = np.array(pairs[row])
        readings.append((labels[row], measure(both, detector, meter, recogniser)))
    meter.close()
    return summary(readings)


def measure(
    both: NDArray[np.uint8],
    detector: FaceDetector,
    meter: ExpressionMeter,
    recogniser: DlibRecogniser,
) -> PairReading | None:
    """Measure one pair [2, S, S, 3]; None if MediaPipe sees no face in a member."""
    side = both.shape[1]
    half = INTER_OCULAR * side / 2
    eyes = np.array(EYE_MIDPOINT) * side + np.array([[-half, 0], [half, 0]])
    seen = [meter.measure(image, eyes) for image in both]
    if seen[0] is None or seen[1] is None:
        return None
    described = zip(both, (seen[0].points, seen[1].points), strict=True)
    descriptors = [recogniser.describe(image, eyes, points) for image, points in described]
    before, after = (geometry(expression) for expression in (seen[0], seen[1]))
    return PairReading(
        detected=all(len(detector.detect(image)) > 0 for image in both),
        distance=float(np.linalg.norm(descriptors[0] - descriptors[1])),
        changes={
            # Narrow eyes close by less: their closing counts as a share of their own opening.
            name: (after[name] - before[name]) / (before[name] if name == "eye_opening" else 1)
            for name in before
        },
        far_change=far_change(both, [seen[0].points, seen[1].points], 2 * half),
    )


def geometry(seen: Expression) -> dict[str, float]:
    """What the four labels should move, in inter-oculars (measured at the eye corners)."""
    points = seen.points
    unit = float(np.linalg.norm(points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]]))
    corners = points[MOUTH_CORNERS[1]] - points[MOUTH_CORNERS[0]]
    eyes = points[list(EYE_CORNERS), 1].mean()
    return {
        "lip_gap": seen.lip_gap,
        "mouth_width": float(np.linalg.norm(corners)) / unit,
        "eye_opening": seen.eye_opening,
        "brow_height": float(eyes - points[list(BROWS), 1].mean()) / unit,
    }


def far_change(both: NDArray[np.uint8], points: list[Floats], inter_ocular: float) -> float:
    """Greatest difference, in grey levels, of pixels far from both faces; nan if there are none."""
    near = np.zeros(both.shape[1:3], np.uint8)
    for face in points:
        cv2.fillPoly(near, [np.round(face[list(OUTLINE)]).astype(np.int32)], 1)
    away = cv2.distanceTransform(1 - near, cv2.DIST_L2, 5) > FAR * inter_ocular
    if not away.any():
        return float("nan")
    return float(np.abs(both[0].astype(int) - both[1])[away].max())


def lids(found: list[tuple[dict[str, str], PairReading]]) -> float:
    """Correlation of eye closing with what all labels that move the lids say together.

    How far each closes an eye is fitted on one half of the pairs and judged on the other half.
    """
    units = np.array([[float(label[unit]) for unit in LID_UNITS] for label, _ in found])
    wanted = -np.array([reading.changes["eye_opening"] for _, reading in found])
    design = np.column_stack([units, np.ones(len(units))])
    half = np.arange(len(found)) % 2 == 0
    said = np.empty(len(found))
    for fitted in (half, ~half):
        shares, *_ = np.linalg.lstsq(design[fitted], wanted[fitted], rcond=None)
        said[~fitted] = design[~fitted] @ shares
    return float(np.corrcoef(said, wanted)[0, 1])


def summary(readings: list[tuple[dict[str, str], PairReading | None]]) -> dict[str, float]:
    """Shares and correlations over the measured pairs."""
    found = [(label, reading) for label, reading in readings if reading is not None]

    def correlation(change: str, *units: str) -> float:
        wanted = [sum(float(label[u.lstrip("-")]) * (-1 if u[0] == "-" else 1) for u in units)
                  for label, _ in found]  # fmt: skip
        return float(np.corrcoef(wanted, [r.changes[change] for _, r in found])[0, 1])

    distances = np.array([reading.distance for _, reading in found])
    far = np.array([reading.far_change for _, reading in found])
    return {
        "pairs": float(len(readings)),
        "both members with landmarks": len(found) / len(readings),
        "both members detected": float(np.mean([r.detected for _, r in found])),
        "jaw (AU26 + AU27) with lip gap, r": correlation("lip_gap", "AU26", "AU27"),
        "smile (AU12) with mouth width, r": correlation("mouth_width", "AU12"),
        "blink (AU43) with eye closing, r": -correlation("eye_opening", "AU43"),
        "lids (AU43, AU5, AU6, AU7) with eye closing, cross-fitted r": lids(found),
        "brows (AU1 + AU2 - AU4) with brow height, r": correlation(
            "brow_height", "AU1", "AU2", "-AU4"
        ),
        "same person (dlib distance < 0.6)": float((distances < SAME_PERSON).mean()),
        "dlib distance, median": float(np.median(distances)),
        "dlib distance, 99th percentile": float(np.quantile(distances, 0.99)),
        "unchanged far from the face (<= 1 level)": float(np.mean(far[~np.isnan(far)] <= 1)),
        "pairs with pixels far from the face": float((~np.isnan(far)).sum()),
    }
