"""From shaking to steady, without lag: averages over the frames just before and just after.

First the crops' places, then the maps of what moves. Never the pixels, which would blur. A filter
that only looks back would be late: a smile that begins would show for some frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Crop, choose_crop_size, crop_matrix, cut
from app.video.motion import Maps, MotionModel
from app.video.tracks import Image, Points, Seen
from app.video.windows import windows

PLACE_RADIUS, PLACE_SIGMA = 4, 1.5
"""Frames to either side over which a crop's place is averaged, and the deviation of the weights."""
MAPS_RADIUS, MAPS_SIGMA = 3, 2.0
"""The same of the maps."""
SAME_CONTENT = 6.0
"""Grey levels (blurred) at which what a neighbouring frame says of a place counts 1/e: maps of a
mouth that opens are not averaged with those of a closed one, and noise is no movement."""
_SIZE_SLACK = 1.12
"""A track keeps its crop's side until its face is so much too large or too small for it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A face's crop in a frame.

    Attributes:
        crop: cut at the steadied place.
        maps: what moves where.
        fade: share of the change that shows: a track comes and goes within some frames.
        look: float32 [96, 96] grey levels of what the network saw, blurred, to tell what moves.
    """

    crop: Crop
    maps: Maps
    fade: float
    look: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame and its faces, by track."""

    image: Image
    faces: dict[int, Placed]


def place(frames: Iterable[Seen], model: MotionModel) -> Iterator[Prepared]:
    """Cut each face where it steadily is, and ask the network."""
    sizes: dict[int, int] = {}
    for held, at in windows(frames, PLACE_RADIUS):
        now, faces = held[at], {}
        for number in now.faces:
            eyes = _steady_eyes(held, at, number)
            size = _size_of(eyes, sizes.get(number), model.crop_sizes)
            sizes[number] = size
            crop = cut(now.image, crop_matrix(eyes[0], eyes[1], size), size)
            seen = model.see(crop.image)
            maps = model.maps(seen)
            side = maps.line.shape[-1]
            faces[number] = Placed(crop, maps, _fade(held, at, number), _look(seen, side))
        sizes = {number: size for number, size in sizes.items() if number in now.faces}
        yield Prepared(now.image, faces)


def settle(frames: Iterable[Prepared]) -> Iterator[Prepared]:
    """Average each face's maps over the frames around, where they show the same."""
    for held, at in windows(frames, MAPS_RADIUS):
        now = held[at]
        faces = {
            number: replace(face, maps=_settled(held, at, number))
            for number, face in now.faces.items()
        }
        yield Prepared(now.image, faces)


def _run(present: list[bool], at: int) -> tuple[int, int]:
    """First and last place of the unbroken run of true values around `at`."""
    first = last = at
    while first > 0 and present[first - 1]:
        first -= 1
    while last + 1 < len(present) and present[last + 1]:
        last += 1
    return first, last


def _steady_eyes(held: list[Seen], at: int, number: int) -> Points:
    """Both eyes, [2, 2], averaged along the track."""
    first, last = _run([number in each.faces for each in held], at)
    # As far back as ahead: a one-sided average would be late, or early.
    reach = min(at - first, last - at)
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (steps / PLACE_SIGMA) ** 2)
    here = held[at].faces[number][:2]
    # The mean of differences: what does not move is not moved by rounding either.
    off = np.stack([held[at + step].faces[number][:2] - here for step in steps])
    return np.asarray(here + np.tensordot(weights / weights.sum(), off, 1), np.float64)


def _fade(held: list[Seen], at: int, number: int) -> float:
    """1 in the middle of a track; it begins and ends softly, but not at the clip's ends."""
    first, last = _run([number in each.faces for each in held], at)
    since = at - first + 1 if first > 0 else len(held)
    until = last - at + 1 if last + 1 < len(held) else len(held)
    return min(1.0, since / PLACE_RADIUS, until / PLACE_RADIUS)


def _size_of(eyes: Points, before: int | None, sizes: tuple[int, ...]) -> int:
    distance = float(np.hypot(*(eyes[1] - eyes[0])))
    if before is not None:
        around = {choose_crop_size(distance * f, sizes) for f in (1 / _SIZE_SLACK, _SIZE_SLACK)}
        if before in around:
            return before
    return choose_crop_size(distance, sizes)


def _look(seen: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The window at the maps' side, in grey levels and blurred."""
    grey = (seen[0].mean(0) + 1) * 127.5
    small = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), np.float32)


def _settled(held: list[Prepared], at: int, number: int) -> Maps:
    first, last = _run([number in each.faces for each in held], at)
    reach = min(at - first, last - at)
    here = held[at].faces[number]
    total = np.zeros_like(here.look)
    sums = [np.zeros_like(part) for part in here.maps]
    for step in range(-reach, reach + 1):
        other = held[at + step].faces[number]
        apart = cv2.GaussianBlur(np.abs(other.look - here.look), (0, 0), 2.0)
        near = float(np.exp(-0.5 * (step / MAPS_SIGMA) ** 2))
        weight = near * np.exp(-((np.asarray(apart, np.float32) / SAME_CONTENT) ** 2))
        total += weight
        for sum_, part, own in zip(sums, other.maps, here.maps, strict=True):
            sum_ += weight * (part - own)
    settled = (own + sum_ / total for own, sum_ in zip(here.maps, sums, strict=True))
    return Maps(*(np.asarray(part, np.float32) for part in settled))
