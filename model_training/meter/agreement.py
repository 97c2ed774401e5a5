"""Does the in-service meter agree with MediaPipe, on faces found by the service's detector?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from tqdm import tqdm

from app.faces.alignment import Image, crop_matrix, cut
from app.faces.detector import FaceDetector
from model_training.meter.labels import geometry
from model_training.portraits.aligned import read_rgb
from model_training.portraits.image_sets import LABELLED_SETS, FaceImage, in_validation
from model_training.portraits.landmarks import LandmarkTable
from model_training.runs.atomic import write_json

QUANTITIES = ("score", "lip_gap", "eye_opening")


class Meter:
    """`onnx_models/meter/meter.onnx`."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.size = int(self._session.get_inputs()[0].shape[1])

    def read(self, crop: Image) -> tuple[float, float, float]:
        """Score, lip gap and eye opening of an aligned crop, uint8 [160, 160, 3]."""
        score, gap, opening = self._session.run(list(QUANTITIES), {"image": crop[None]})
        return float(score[0]), float(gap[0]), float(opening[0])


def measure(
    meter: Meter,
    detector: FaceDetector,
    images: Iterable[FaceImage],
    table: LandmarkTable,
    advance: Callable[[], None] = lambda: None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Readings against labels.

    Returns:
        (float64 [N, 3] by the meter, float64 [N, 3] by MediaPipe, images without a face)
    """
    rows = {path: k for k, path in enumerate(table.paths)}
    apart, gap, opening = geometry(table.points)
    score = table.expressiveness()
    found, wanted, lost = [], [], 0
    for image in images:
        advance()
        k = rows.get(image.key)
        if k is None:
            continue
        photo = read_rgb(image.file)
        expected = (table.points[k, 468] + table.points[k, 473]) / 2
        faces = [
            face
            for face in detector.detect(photo)
            if np.linalg.norm(face.landmarks[:2].mean(0) - expected) < 0.5 * apart[k]
        ]
        if not faces:
            lost += 1
            continue
        matrix = crop_matrix(faces[0].landmarks[0], faces[0].landmarks[1], meter.size)
        found.append(meter.read(cut(photo, matrix, meter.size).image))
        wanted.append((score[k], gap[k], opening[k]))
    return np.array(found).reshape(-1, 3), np.array(wanted, np.float64).reshape(-1, 3), lost


def correlations(found: np.ndarray, wanted: np.ndarray) -> dict[str, dict[str, float]]:
    """Pearson correlation and mean absolute error of each quantity, arrays [N, 3]."""
    out = {}
    for k, name in enumerate(QUANTITIES):
        varies = len(found) > 1 and found[:, k].std() > 0 and wanted[:, k].std() > 0
        r = float(np.corrcoef(found[:, k], wanted[:, k])[0, 1]) if varies else float("nan")
        error = float(np.abs(found[:, k] - wanted[:, k]).mean()) if len(found) else float("nan")
        out[name] = {"correlation": r, "mean absolute error": error}
    return out


def report(models: Path, folders: Mapping[str, Path], landmarks: Path, record: bool) -> str:
    """Correlations on the validation people of each set and of all, as text.

    Args:
        models: holds `meter/meter.onnx` and the manifest.
        folders: image set -> folder.
        landmarks: MediaPipe's labels.
        record: also put the numbers into the manifest's `meter` entry.
    """
    meter, detector = Meter(models / "meter" / "meter.onnx"), FaceDetector()
    table = LandmarkTable.load(landmarks)
    lines, parts, quality = [], [], {}
    for name, folder in folders.items():
        images = LABELLED_SETS[name](folder)
        held_out = [i for i, out in zip(images, in_validation(images), strict=True) if out]
        with tqdm(total=len(held_out), desc=name, unit="image") as bar:

            def advance(bar: Any = bar) -> None:
                bar.update()

            found, wanted, lost = measure(meter, detector, held_out, table, advance)
        parts.append((found, wanted))
        quality[name] = {"images": len(found), **correlations(found, wanted)}
        lines.append(f"{name}: {len(found)} images, {lost} without a face")
        lines += _lines(quality[name])
    if len(parts) > 1:
        found, wanted = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        quality["all"] = {"images": len(found), **correlations(found, wanted)}
        lines += [f"all: {len(found)} images", *_lines(quality["all"])]
    if record:
        path = models / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["meter"]["quality"] = json.loads(json.dumps(quality), parse_float=_four_digits)
        write_json(manifest, path)
    return "\n".join(lines)


def _lines(numbers: Mapping[str, Any]) -> list[str]:
    return [
        f"  {name:12} r {numbers[name]['correlation']:.3f}  "
        f"mean absolute error {numbers[name]['mean absolute error']:.4f}"
        for name in QUANTITIES
    ]


def _four_digits(number: str) -> float:
    return round(float(number), 4)
