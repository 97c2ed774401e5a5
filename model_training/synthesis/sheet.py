"""Contact sheets: what a person looks at before believing a number."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.runs.atomic import atomic_path
from model_training.synthesis.store import open_pairs

Image = NDArray[np.uint8]


def contact_sheet(
    folder: Path, name: str = "contact_sheet.png", rows: int = 6, columns: int = 5, side: int = 160
) -> None:
    """Draw pairs spread over the set, neutral left and expressive right, to `folder/name`."""
    pairs, _, labels = open_pairs(folder)
    picked = np.linspace(0, len(pairs) - 1, min(rows * columns, len(pairs))).astype(int)
    tiles = []
    for index in picked:
        both = np.hstack(list(pairs[index]))
        tile = cv2.resize(both, (2 * side, side), interpolation=cv2.INTER_AREA)
        tiles.append(captioned(np.asarray(tile, np.uint8), labels[index]["expression"]))
    save_png(folder / name, grid(tiles, columns))


def captioned(image: Image, text: str, height: int = 18) -> Image:
    """The picture with a line of text above it."""
    band = np.full((height, image.shape[1], 3), 255, np.uint8)
    cv2.putText(
        band, text, (3, height - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA
    )
    return np.vstack([band, image])


def grid(tiles: list[Image], columns: int) -> Image:
    """Equal tiles in rows; the last row is filled up with white."""
    blank = np.full_like(tiles[0], 255)
    padded = tiles + [blank] * (-len(tiles) % columns)
    lines = [np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)]
    return np.vstack(lines)


def save_png(file: Path, image: Image) -> None:
    """Write an RGB picture whole or not at all."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not ok:
        raise OSError(f"cannot encode {file}")
    with atomic_path(file) as temporary:
        temporary.write_bytes(data.tobytes())
