"""Make the pairs of one photograph."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.donors import Donors
from model_training.synthesis.expression import Expression
from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.geometry import PairGeometry, pair_geometry
from model_training.synthesis.glasses import seen_units
from model_training.synthesis.photos import (
    OVERSAMPLING,
    Image,
    Portrait,
    draw_jitter,
    place,
    portrait,
    valid_pixels,
)
from model_training.synthesis.render import Look, fitting_mouth, pose_expression, render
from model_training.synthesis.sampling import draw_expression
from model_training.synthesis.subject import Subject, prepare


@dataclass(frozen=True, slots=True)
class Pair:
    """A neutral target and the same photograph wearing an expression.

    Attributes:
        images: uint8 RGB [2, S, S, 3]; 0 is the neutral photograph, 1 the expressive one.
        valid: bool [S, S], pixels that come from the photograph.
        geometry: where the neutral face's points lie in the expressive picture.
        expression: what was put on.
        frame: 0-based number within the sequence.
        seed: the words the pair's randomness was seeded with.
    """

    images: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    geometry: PairGeometry
    expression: Expression
    frame: int
    seed: str


def pair_seed(seed: int, path: str, variation: int) -> list[int]:
    """Seed words of one variation of one photograph: independent of all other photographs."""
    digest = hashlib.sha256(path.encode()).digest()
    return [seed, int.from_bytes(digest[:8], "little"), variation]


@dataclass(frozen=True, slots=True)
class Setup:
    """What all pairs of a set share.

    Attributes:
        model: the face model.
        size: side S of the crops.
        seed: of the whole set.
        frames: > 1 makes sequences of that many frames, from near neutral to the apex.
        donors: real mouths and creases.
        names: only these prototypes; all, and captured expressions, if empty.
    """

    model: FaceModel
    size: int
    seed: int
    frames: int = 1
    donors: Donors | None = None
    names: tuple[str, ...] = ()


def make_pairs(
    setup: Setup,
    photo: Image,
    landmarks: NDArray[np.floating],
    path: str,
    numbers: Iterable[int],
) -> Iterator[Pair]:
    """Yield pairs of one photograph.

    Args:
        setup: what all pairs share.
        photo: uint8 RGB [H, W, 3].
        landmarks: [478, 2] in its pixels.
        path: identifies the photograph in the seed.
        numbers: which of the photograph's pairs; each depends on its number alone.
    """
    face = portrait(photo, landmarks, round(setup.size * OVERSAMPLING))
    subject = prepare(setup.model, face.image, face.landmarks)
    for number in numbers:
        yield render_pair(setup, face, subject, path, number)


def render_pair(setup: Setup, face: Portrait, subject: Subject, path: str, number: int) -> Pair:
    """One pair of a fitted photograph."""
    model, donors, frames = setup.model, setup.donors, setup.frames
    variation, frame = divmod(number, frames)
    words = pair_seed(setup.seed, path, variation)
    rng = np.random.default_rng(words)
    expression = draw_expression(model, rng, donors, setup.names)
    look = Look(
        relight=rng.uniform(0.8, 1.3),
        folds=rng.uniform(0.2, 1.3),
        tooth_albedo=rng.uniform(0.4, 0.8),
        seed=int(rng.integers(2**31)),
    )
    if frames > 1 and donors is not None:
        look = replace(look, mouth=fitting_mouth(model, subject, expression, donors, look.seed))
    jitter = draw_jitter(rng, len(face.image), setup.size)
    shown = expression.at((frame + 1) / frames)
    # A label is what shows, not what was asked for: glasses hold what they cover.
    units = seen_units(subject.still, subject.landmarks, shown.units)
    expressive = render(model, subject, shown, look, donors)
    return Pair(
        images=np.stack([place(image, jitter, setup.size) for image in (face.image, expressive)]),
        valid=valid_pixels(face, jitter, setup.size),
        geometry=pair_geometry(
            model, subject, pose_expression(model, subject, shown), jitter, setup.size
        ),
        expression=replace(shown, units=units),
        frame=frame,
        seed="-".join(map(str, words)),
    )
