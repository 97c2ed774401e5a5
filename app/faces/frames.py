"""Frames of an answer: the photograph turned level, or a portrait cut as for a document."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Matrix, matrix_scale
from app.faces.detector import Face
from app.faces.quality import roll_degrees

Layer = NDArray[np.uint8]

ASPECT, HEAD_SIZE, EYE_LINE = 7 / 9, 0.22, 0.42
"""Of a portrait: width / height (35 x 45 mm), distance of the eyes / width, eyes from above."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a picture shows of a photograph.

    Attributes:
        matrix: float64 [2, 3], a similarity from photograph pixels to the picture's.
        width, height: of the picture, in pixels.
        moves: whether pixels come to lie between those of the photograph.
    """

    matrix: Matrix
    width: int
    height: int
    moves: bool = True

    def show(self, layer: Layer, beyond: int | None = None) -> Layer:
        """The picture of a layer of the photograph.

        Args:
            layer: uint8 [H, W] or [H, W, C].
            beyond: grey level of what lies outside the photograph; None repeats its border.
        """
        matrix, size = self.matrix, (self.width, self.height)
        scale = matrix_scale(matrix)
        if scale < 0.8:  # average first: warpAffine samples four pixels whatever the scale
            height, width = layer.shape[:2]
            small = max(1, round(width * scale)), max(1, round(height * scale))
            layer = np.asarray(cv2.resize(layer, small, interpolation=cv2.INTER_AREA), np.uint8)
            ratio = np.array([width / small[0], height / small[1]])
            # Pixel centres: x_big = (x_small + 0.5) * r - 0.5.
            offset = matrix[:, 2] + matrix[:, :2] @ (0.5 * ratio - 0.5)
            matrix = np.column_stack([matrix[:, :2] * ratio, offset])
        shown = cv2.warpAffine(
            layer,
            matrix,
            size,
            flags=cv2.INTER_CUBIC if self.moves else cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REPLICATE if beyond is None else cv2.BORDER_CONSTANT,
            borderValue=(beyond or 0,) * 4,
        )
        return shown.astype(np.uint8, copy=False)

    def reaches_beyond(self, shape: tuple[int, ...]) -> bool:
        """Whether a part of the picture lies outside a photograph of [H, W, ...]."""
        inverse = np.asarray(cv2.invertAffineTransform(self.matrix))
        right, bottom = self.width - 1, self.height - 1
        corners = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], np.float64)
        there = corners @ inverse[:, :2].T + inverse[:, 2]
        height, width = shape[:2]
        outside = (there < -0.5) | (there > np.array([width, height]) - 0.5)
        return bool(outside.any())


def level_frame(face: Face, shape: tuple[int, ...]) -> Frame:
    """The photograph turned until the eyes are level, as large as it goes without empty corners.

    Args:
        face: whose eyes.
        shape: of the photograph, [H, W, ...].
    """
    height, width = shape[:2]
    roll = roll_degrees(face)
    quarters = round(roll / 90)
    rest = math.radians(roll - 90 * quarters)
    if quarters % 2:
        width, height = height, width
    # The largest upright rectangle of the same shape in the turned photograph, at its middle.
    cos, sin = math.cos(rest), abs(math.sin(rest))
    share = min(width / (width * cos + height * sin), height / (width * sin + height * cos))
    size = np.array([max(1, math.floor(width * share)), max(1, math.floor(height * share))])
    if abs(rest) < 1e-3:  # whole quarters: every pixel is the photograph's own
        rest, size = 0.0, np.array([width, height])
    turn = math.radians(90 * quarters) + rest
    linear = np.round(
        np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]]), 12
    )
    middle = (np.array(shape[1::-1], np.float64) - 1) / 2
    matrix = np.column_stack([linear, (size - 1) / 2 - linear @ middle])
    return Frame(matrix, int(size[0]), int(size[1]), moves=rest != 0.0)


def portrait_frame(
    face: Face,
    aspect: float | None = None,
    head_size: float | None = None,
    eye_line: float | None = None,
    width: int | None = None,
) -> Frame:
    """A portrait around a face: eyes level, at a given height and distance.

    Args:
        face: whose portrait.
        aspect: width / height.
        head_size: distance of the eyes / width.
        eye_line: how far down the eyes are / height.
        width: in pixels; None leaves the photograph's scale, up to 4096.
    """
    share = head_size or HEAD_SIZE
    wide = width or max(64, min(4096, round(face.eye_distance / share)))
    high = round(wide / (aspect or ASPECT))
    right_eye, left_eye = face.landmarks[:2]
    vector = left_eye - right_eye
    cos, sin = share * wide * vector / face.eye_distance**2
    linear = np.array([[cos, sin], [-sin, cos]])
    place = np.array([(wide - 1) / 2, (eye_line or EYE_LINE) * high])
    return Frame(np.column_stack([linear, place - linear @ (right_eye + vector / 2)]), wide, high)
