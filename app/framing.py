"""What of the edited photograph becomes the answer: all of it, level, a crop or a portrait."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.editing import Edited
from app.faces.alignment import crop_matrix, transform_points
from app.faces.detector import Face
from app.faces.frames import Frame, level_frame, portrait_frame
from app.imaging.alpha import Cutout, given_back
from app.imaging.decode import Photograph
from app.options import Options
from app.result import EditedFace

Image = NDArray[np.uint8]

_WHITE, _CLEAR = 255, 0
_WHOLE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, slots=True)
class Framed:
    """The picture that is answered, before the mark: as in `Result`."""

    image: Image
    mask: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    faces: tuple[EditedFace, ...]
    warnings: tuple[str, ...] = ()


def frame(photograph: Photograph, edited: Edited, options: Options) -> Framed:
    """Cut the answer out of the edited photograph, with the transparency that it came with."""
    cutout, shape = photograph.cutout, photograph.pixels.shape
    if options.output == "face":  # the editor returned the crop
        face, size = edited.faces[0].face, edited.faces[0].crop_size
        matrix = crop_matrix(face.landmarks[0], face.landmarks[1], size)
        image = edited.image
        if cutout is not None:
            image = _with_alpha(image, Frame(matrix, size, size).show(cutout.alpha))
        return Framed(image, edited.mask, matrix, edited.faces)
    chosen = _chosen_frame(edited.faces[0].face, shape, options)
    whole = edited.image if cutout is None else given_back(cutout, edited.image, edited.mask)
    if chosen is None:
        return Framed(whole, edited.mask, _WHOLE, edited.faces)
    beyond = _WHITE if options.output == "portrait" else None
    if cutout is None or not chosen.moves:
        image = chosen.show(whole, beyond)
    else:  # colours that nobody sees must not be mixed into the others
        alpha = chosen.show(cutout.alpha, None if beyond is None else _CLEAR)
        image = _with_alpha(chosen.show(edited.image, beyond), alpha)
    mask = chosen.show(edited.mask, _CLEAR)
    share = np.count_nonzero(mask > 127) / mask.size
    notes = []
    if beyond is not None and chosen.reaches_beyond(shape):
        notes.append(
            "The portrait reaches beyond the photograph; there it is "
            + ("white." if cutout is None else "transparent.")
        )
    if beyond is None and not _holds(chosen, edited.faces[0].face):
        notes.append("A part of the face lies outside the level picture.")
    faces = tuple(replace(face, altered_share=share) for face in edited.faces)
    return Framed(image, mask, chosen.matrix, faces, tuple(notes))


def _chosen_frame(face: Face, shape: tuple[int, ...], options: Options) -> Frame | None:
    if options.output == "portrait":
        return portrait_frame(
            face, options.aspect, options.head_size, options.eye_line, options.width
        )
    return level_frame(face, shape) if options.level else None


def _holds(chosen: Frame, face: Face) -> bool:
    """Whether a frame shows a face from the brows to the mouth."""
    points = transform_points(face.landmarks, chosen.matrix)
    margin = face.eye_distance / 2
    return bool(
        (points >= margin).all()
        and (points <= [chosen.width - margin, chosen.height - margin]).all()
    )


def _with_alpha(on_white: Image, alpha: Image) -> Image:
    everywhere = np.full(alpha.shape, 255, np.uint8)
    return given_back(Cutout(on_white, alpha), on_white, everywhere)
