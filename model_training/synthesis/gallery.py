"""A sheet of fixed expressions on chosen photographs, to be looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.portraits.landmarks import LandmarkTable
from model_training.runs.atomic import atomic_path
from model_training.synthesis.actions import ACTION_UNITS, PROTOTYPES, shape_weights
from model_training.synthesis.donors import Donors
from model_training.synthesis.expression import Expression
from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.photos import portrait, read_photo
from model_training.synthesis.render import Look, render
from model_training.synthesis.sampling import draw_captured
from model_training.synthesis.sheet import captioned, grid
from model_training.synthesis.subject import prepare

Image = NDArray[np.uint8]

SHOWN = (
    "captured_smile", "happy_closed", "happy_open", "laugh", "surprise", "shout", "anger",
    "anger_open", "sad", "disgust", "fear", "contempt", "eyes_closing", "pucker",
)  # fmt: skip
WINDOW = (0.13, 0.98, 0.10, 0.90)
"""Top, bottom, left and right of what is shown of a crop."""


def expression_sheet(
    model: FaceModel,
    donors: Donors | None,
    table: LandmarkTable,
    photos: Path,
    sources: list[str],
    size: int,
    seed: int,
) -> Image:
    """One row a photograph: as it is, then every expression of `SHOWN`.

    Args:
        model: the face model.
        donors: real mouths and creases.
        table: landmarks of the collection.
        photos: its folder.
        sources: paths of the photographs to show.
        size: side in pixels of the crops.
        seed: of everything random.
    """
    tiles = []
    for source in sources:
        row = table.paths.index(source)
        face = portrait(read_photo(photos / source), table.points[row], size)
        subject = prepare(model, face.image, face.landmarks)
        tiles.append(captioned(_window(face.image), "neutral"))
        for number, name in enumerate(SHOWN):
            rng = np.random.default_rng([seed, row, number])
            expression = shown(model, donors, name, rng)
            look = Look(seed=int(rng.integers(2**31)))
            seen = render(model, subject, expression, look, donors)
            tiles.append(captioned(_window(seen), name))
    return grid(tiles, len(SHOWN) + 1)


def shown(
    model: FaceModel, donors: Donors | None, name: str, rng: np.random.Generator
) -> Expression:
    """A prototype at its mean intensity, or a captured smile."""
    if name == "captured_smile":
        if donors is None or not donors.captures:
            return shown(model, donors, "happy_open", rng)
        return draw_captured(model, donors.captures, rng)
    units = {**dict.fromkeys(ACTION_UNITS, 0.0), **PROTOTYPES[name]}
    asymmetry = 0.6 if name == "contempt" else 0.0
    expression = Expression(name, units, shape_weights(model, units, asymmetry))
    if donors is None or not donors.captures:
        return expression
    crease = donors.captures[int(rng.integers(len(donors.captures)))].log_ratio
    return replace(expression, crease=crease, crease_share=0.6 * units["AU12"] + 0.5 * units["AU6"])


def _window(image: Image) -> Image:
    top, bottom, left, right = (round(share * len(image)) for share in WINDOW)
    return image[top:bottom, left:right]


def save_jpeg(file: Path, image: Image, quality: int = 88) -> None:
    """Write an RGB picture whole or not at all."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise OSError(f"cannot encode {file}")
    with atomic_path(file) as temporary:
        temporary.write_bytes(data.tobytes())
