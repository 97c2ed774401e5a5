"""Whether the detector's score tells animals from people: `python -m benchmarks.animals`.

    python -m benchmarks.animals --people fairface lfw london canada --animals FOLDER

Prints the shares of faces under several scores. A third of the people each is shown grey, too, at
an eighth of its light, or with a cloth drawn over nose and mouth. What is in the folder of
animals has to be looked at: a person who holds a dog is found as well.
"""

from __future__ import annotations

import argparse
import random
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.faces.detector import Face, FaceDetector, distinct
from app.faces.selection import upright
from app.faces.views import first_looks

Picture = NDArray[np.uint8]

SCORES = (0.65, 0.7, 0.75, 0.8, 0.85, 0.888)
_LONGEST = 640
_CLOTH = (60, 60, 80)


def largest(detector: FaceDetector, picture: Picture) -> Face | None:
    """The largest upright face of the first looks; the service looks on where it is unsure."""
    found = [face for look in first_looks(picture) for face in detector.in_look(look)]
    faces = filter(upright, distinct(found))
    return max(faces, key=lambda face: face.box[2] * face.box[3], default=None)


def pictures(folders: list[Path], most: int | None) -> Iterator[tuple[str, Picture]]:
    """Names and pixels, in an order by chance that is always the same."""
    files = sorted(path for folder in folders for path in folder.rglob("*.jp*g"))
    random.Random(0).shuffle(files)
    for file in files[:most]:
        with Image.open(file) as image:
            image.thumbnail((_LONGEST, _LONGEST))
            yield file.name, np.asarray(image.convert("RGB"), np.uint8)


def veiled(picture: Picture, face: Face) -> Picture:
    """A cloth over nose and mouth."""
    x, y, width, height = face.box
    top = max(0, int(face.landmarks[2, 1] - 0.15 * face.eye_distance))
    corner, other = (int(x - 0.1 * width), top), (int(x + 1.1 * width), int(y + 1.15 * height))
    return np.asarray(cv2.rectangle(picture.copy(), corner, other, _CLOTH, -1), np.uint8)


def variants(name: str, picture: Picture, face: Face) -> Iterator[tuple[str, Picture]]:
    """One further view of each picture."""
    kind = zlib.crc32(name.encode()) % 3
    if kind == 0:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        yield "grey", np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    elif kind == 1:
        yield "an eighth of the light", np.asarray(picture // 8, np.uint8)
    else:
        yield "a cloth over nose and mouth", veiled(picture, face)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=Path, nargs="+", default=[])
    parser.add_argument("--animals", type=Path, nargs="+", default=[])
    parser.add_argument("--most", type=int, default=None, help="pictures of people")
    arguments = parser.parse_args()
    detector, scores = FaceDetector(min_score=0.6), defaultdict(list)
    for name, picture in pictures(arguments.people, arguments.most):
        face = largest(detector, picture)
        if face is None:
            continue
        scores["as photographed"].append(face.score)
        for kind, shown in variants(name, picture, face):
            if seen := largest(detector, shown):
                scores[kind].append(seen.score)
    for _, picture in pictures(arguments.animals, None):
        if face := largest(detector, picture):
            scores["animals"].append(face.score)
    print("| under | faces | " + " | ".join(map(str, SCORES)) + " |")
    print("|---|---:|" + "---:|" * len(SCORES))
    for kind, found in scores.items():
        shares = " | ".join(f"{100 * np.mean(np.array(found) < score):.2f} %" for score in SCORES)
        print(f"| {kind} | {len(found)} | {shares} |")


if __name__ == "__main__":
    main()
