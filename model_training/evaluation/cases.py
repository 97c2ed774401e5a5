"""What is evaluated: one expressive photograph, with its truth and a stranger if any."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageOps

Image = NDArray[np.uint8]


class Picture(Protocol):
    """Where a photograph comes from; read when it is needed, because a data set may be large."""

    @property
    def name(self) -> str:
        """What reports call it; unique within its data set."""

    def read(self) -> Image:
        """uint8 RGB [H, W, 3]."""


@dataclass(frozen=True, slots=True)
class FilePicture:
    """A photograph in a file; orientation tags are obeyed."""

    path: Path
    name: str

    def read(self) -> Image:
        """uint8 RGB [H, W, 3].

        Raises:
            ValueError: the file is not a picture that Pillow can read.
        """
        try:
            with PIL.Image.open(self.path) as opened:
                return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"), np.uint8)
        except (PIL.UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{self.path} is not a readable picture") from error


@dataclass(frozen=True, slots=True)
class ArrayPicture:
    """A photograph inside a larger array, such as a file of pairs."""

    array: Image
    index: tuple[int, ...]
    name: str

    def read(self) -> Image:
        """uint8 RGB [H, W, 3]."""
        return np.ascontiguousarray(self.array[self.index], np.uint8)


@dataclass(frozen=True, slots=True)
class Case:
    """One picture to neutralize.

    Attributes:
        name: unique in the data set; also the stem a ready output must have in an outputs folder.
        person: who it shows; intervals are taken over people, never over pictures.
        expressive: the input.
        neutral: the same person's true neutral, or None.
        stranger: another person's picture, or None.
        labels: facts for slices (`sex`, `age`, `skin`, `expression`, ...), as the data states them.
    """

    name: str
    person: str
    expressive: Picture
    neutral: Picture | None = None
    stranger: Picture | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Cases, and the neutral pictures that the mean face of the control is made of."""

    name: str
    cases: Sequence[Case]
    neutral_pool: Sequence[Picture]


def stable_order(names: Iterable[str], salt: str = "") -> list[str]:
    """The distinct names in an order that looks random and is the same on every machine."""
    return sorted(set(names), key=lambda name: hashlib.sha256(f"{salt}{name}".encode()).hexdigest())


def strangers(neutral_of: dict[str, Picture], salt: str = "stranger") -> dict[str, Picture]:
    """Give each person another person's neutral picture: the next one in a stable random order."""
    order = stable_order(neutral_of, salt)
    if len(order) < 2:
        return {}
    return {person: neutral_of[order[k - 1]] for k, person in enumerate(order)}
