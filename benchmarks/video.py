"""How steady moving pictures are, and how fast: `python -m benchmarks.video --photos DATA ...`.

Two kinds of sequence are made from neutral photographs of people whom no training has seen: a smile
that comes and goes, rendered, and a still smile; both drift by parts of a pixel and have noise, as
a camera's pictures do. Flicker is the mean absolute difference of two consecutive frames, the
earlier one brought onto the later by the input's own optical flow, over the face; 1 is the input's.
Frame by frame, each frame as a photograph of its own, is measured beside it. Writes
docs/performance/video.json.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from app.faces.alignment import crop_matrix
from app.faces.detector import FaceDetector
from app.faces.meter import Meter
from app.options import Options
from app.pipeline import Neutralizer
from app.settings import Settings
from benchmarks.machine import RESULTS, describe, write
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import validation_mask
from model_training.runs.atomic import atomic_path
from model_training.synthesis.benchmark import resident_mib
from model_training.synthesis.face_model import FaceModel, load_face_model
from model_training.synthesis.gallery import shown
from model_training.synthesis.photos import portrait, read_photo
from model_training.synthesis.render import Look, render
from model_training.synthesis.subject import prepare

Image = NDArray[np.uint8]

SIDE = 640
NOISE = 2.0
"""Side of the frames in pixels, and the noise's deviation in grey levels."""
RAMP = [0.0] * 8 + list(np.linspace(0, 1, 14)) + [1.0] * 6 + list(np.linspace(1, 0, 14)) + [0.0] * 4
"""How far the smile has come in each frame."""


def smile(model: FaceModel, photo: Path, points: NDArray[np.floating], name: str) -> list[Image]:
    """A smile that comes and goes, one frame for each entry of `RAMP`."""
    face = portrait(read_photo(photo), points, SIDE)
    subject = prepare(model, face.image, face.landmarks)
    expression = shown(model, None, name, np.random.default_rng(0))
    look = Look(seed=0)
    made = {0.0: face.image}
    for share in RAMP:
        if share not in made:
            made[share] = render(model, subject, expression.at(share), look, None)
    return [made[share] for share in RAMP]


def filmed(frames: list[Image]) -> Iterator[Image]:
    """The frames as a camera in a hand gives them."""
    rng = np.random.default_rng(1)
    for number, frame in enumerate(frames):
        drift = np.array(
            [[1, 0, 1.7 * np.sin(number / 5)], [0, 1, 1.3 * np.cos(number / 7)]], np.float32
        )
        moved = cv2.warpAffine(
            frame, drift, frame.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        noisy = moved + rng.normal(0, NOISE, frame.shape)
        yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def face_box(detector: FaceDetector, frame: Image) -> tuple[slice, slice]:
    """Rows and columns of the face, from above the brows to below the chin."""
    [face, *_] = detector.detect(frame)
    (x, y), distance = face.landmarks[:2].mean(0), face.eye_distance
    rows = slice(max(0, int(y - distance)), int(y + 2 * distance))
    return rows, slice(max(0, int(x - 1.3 * distance)), int(x + 1.3 * distance))


def flicker(before: list[Image], after: list[Image], box: tuple[slice, slice]) -> float:
    """Of the frames after, relative to the frames before."""
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    height, width = before[0].shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    total = np.zeros(2)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in before]
    for now in range(1, len(before)):
        flow = flow_of.calc(grey[now], grey[now - 1], np.zeros((height, width, 2), np.float32))
        places = grid + np.asarray(flow, np.float32)
        for index, frames in enumerate((before, after)):
            moved = cv2.remap(frames[now - 1], places[..., 0], places[..., 1], cv2.INTER_LINEAR)
            total[index] += float(cv2.absdiff(frames[now], np.asarray(moved, np.uint8))[box].mean())
    return float(total[1] / total[0])


def expressions(meter: Meter, detector: FaceDetector, frames: list[Image]) -> NDArray[np.float64]:
    """The meter's reading of each frame."""
    read = []
    for frame in frames:
        [face, *_] = detector.detect(frame)
        matrix = crop_matrix(face.landmarks[0], face.landmarks[1], 256)
        read.append(meter.read(frame, matrix, 256).score)
    return np.array(read)


def one_by_one(neutralizer: Neutralizer, frames: list[Image]) -> list[Image]:
    """Each frame as a photograph of its own."""
    made = []
    for frame in frames:
        file = io.BytesIO()
        Pictures.fromarray(frame).save(file, "PNG", compress_level=0)
        answer = neutralizer.neutralize(file.getvalue(), Options(faces="largest")).file
        made.append(np.asarray(Pictures.open(io.BytesIO(answer)).convert("RGB")))
    return made


def steadiness(neutralizer: Neutralizer, frames: list[Image]) -> dict[str, float]:
    """Flicker and expression of one sequence, both ways."""
    assert neutralizer.meter is not None
    meter, detector = neutralizer.meter, FaceDetector()
    seen = list(filmed(frames))
    box = face_box(detector, seen[0])
    row = {}
    ways: dict[str, Callable[[], list[Image]]] = {
        "clip": lambda: list(neutralizer.frames(seen)),
        "frame_by_frame": lambda: one_by_one(neutralizer, seen),
    }
    row["input_expression"] = float(np.ptp(expressions(meter, detector, seen)))
    for name, way in ways.items():
        made = way()
        read = expressions(meter, detector, made)
        row[f"{name}_flicker"] = round(flicker(seen, made, box), 3)
        row[f"{name}_expression_off"] = round(float(np.abs(read - read[0]).max()), 2)
    return row


def speed(neutralizer: Neutralizer, frame: Image, count: int) -> dict[str, float]:
    """Frames a second at 1280 x 720 with one face, and what memory does meanwhile."""
    wide = np.full((720, 1280, 3), 200, np.uint8)
    wide[40 : 40 + SIDE, 320 : 320 + SIDE] = frame
    shaken = list(filmed([wide] * 50))
    began, busy, memory = time.perf_counter(), time.process_time(), []
    for number, _ in enumerate(neutralizer.frames(shaken[i % 50] for i in range(count))):
        if number % max(1, count // 10) == 0:
            memory.append(round(resident_mib()))
    spent = time.perf_counter() - began
    return {
        "frames": count,
        "frames_per_second": round(count / spent, 1),
        "processor_ms_a_frame": round((time.process_time() - busy) / count * 1000, 1),
        "resident_mib_after_a_tenth": memory[1],
        "resident_mib_at_the_end": memory[-1],
    }


def write_clip(file: Path, before: list[Image], after: list[Image], side: int = 288) -> None:
    """An animated WebP, before and after side by side."""
    made = []
    for pair in zip(before, after, strict=True):
        both = np.hstack(
            [cv2.resize(each, (side, side), interpolation=cv2.INTER_AREA) for each in pair]
        )
        made.append(Pictures.fromarray(np.asarray(both, np.uint8)))
    with atomic_path(file) as temporary:
        made[0].save(
            temporary,
            "WEBP",
            save_all=True,
            append_images=made[1:],
            duration=60,
            loop=0,
            quality=70,
            method=6,
        )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder with london/")
    parser.add_argument("--landmarks", type=Path, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--frames", type=int, default=5000, help="of the speed and memory run")
    parser.add_argument("--clip", type=Path, help="write the first smile before and after, .webp")
    asked = parser.parse_args()
    neutralizer = Neutralizer.build(Settings(device="cpu", warm_up=False))
    model, table = load_face_model(asked.face_model), LandmarkTable.load(asked.landmarks)
    left_out = validation_mask(table.paths)
    rows = [
        row
        for row, path in enumerate(table.paths)
        if left_out[row] and path.startswith("london/neutral/")
    ][: asked.people]
    found: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        name = ("happy_open", "laugh")[number % 2]
        frames = smile(model, asked.photos / table.paths[row], table.points[row], name)
        apex = frames[RAMP.index(1.0)]
        for kind, sequence in (("a smile comes and goes", frames), ("still", [apex] * 24)):
            found.append({"person": row, "kind": kind, **steadiness(neutralizer, sequence)})
            print(found[-1], flush=True)
        if asked.clip and number == 0:
            seen = list(filmed(frames))
            write_clip(asked.clip, seen, list(neutralizer.frames(seen)))
    quick = speed(neutralizer, frames[0], asked.frames)
    print(quick)
    write("video", {"machine": describe("av"), "sequences": found, "speed": quick}, RESULTS)


if __name__ == "__main__":
    main()
