"""From frames to frames: what `stoicnet video` and `Neutralizer.frames` share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.faces.compositing import composite
from app.faces.detector import FaceDetector
from app.video.motion import MotionModel
from app.video.options import VideoOptions
from app.video.steady import MAPS_RADIUS, PLACE_RADIUS, Prepared, place, settle
from app.video.tracks import Image, Tracker
from app.video.windows import ahead

DELAY = PLACE_RADIUS + MAPS_RADIUS
"""Frames that are taken in before the first one comes out."""


def neutral_frames(
    frames: Iterable[Image],
    detector: FaceDetector,
    model: MotionModel,
    options: VideoOptions,
    min_eye_distance: float = 24.0,
) -> Iterator[Image]:
    """The same frames with neutral faces, `DELAY` frames later; frames without a face as they are.

    Reading, finding faces with the network, and drawing each have a thread of their own.

    Args:
        frames: uint8 RGB [H, W, 3].
        detector: finds faces.
        model: in two halves.
        options: what to change, and in whom.
        min_eye_distance: pixels; smaller faces are left alone.
    """
    tracker = Tracker(detector, min_eye_distance, options.faces)
    prepared = ahead(place(tracker.follow(ahead(frames)), model))
    for frame in settle(prepared):
        yield _drawn(frame, model, options)


def _drawn(frame: Prepared, model: MotionModel, options: VideoOptions) -> Image:
    image = frame.image
    for face in frame.faces.values():
        strength = options.strength * face.fade
        if strength > 0:
            crop = face.crop
            neutral = model.render(crop.image, face.maps, strength, options.chosen_regions)
            image, _ = composite(image, crop, neutral)
    return image
