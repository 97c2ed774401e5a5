"""PNG sheets: input, output and truth side by side, worst first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.evaluation.cache import Cache
from model_training.evaluation.report.ranking import Ranked
from model_training.runs.atomic import atomic_path

CAPTION = 22
GAP = 8
ACROSS = 3
INK, PAPER = (40, 40, 40), 245


def strip_path(cache: Cache, item: Ranked) -> Path:
    """The JPEG of input, output and (where there is one) truth of a row."""
    return cache.path("strips", item.row.key, ".jpg")


def caption(item: Ranked) -> str:
    """What the numbers say about one case."""
    removed = "-" if math.isnan(item.removed) else f"{100 * item.removed:.0f} %"
    face = "" if item.row.generated else "  FACE LOST"
    return f"{item.row.case}  removed {removed}  distance {item.distance:.2f}  sharpness " + (
        f"{item.row.picture.sharpness:.2f}{face}"
    )


def sheet(items: Sequence[Ranked], cache: Cache) -> NDArray[np.uint8]:
    """uint8 BGR: a grid of captioned strips, `ACROSS` a line.

    Raises:
        ValueError: there are no items, or a strip is missing.
    """
    strips = []
    for item in items:
        strip = cv2.imread(str(strip_path(cache, item)))
        if strip is None:
            raise ValueError(f"the strip of {item.row.case} is missing from the cache")
        strips.append((caption(item), np.asarray(strip, np.uint8)))
    return grid(strips)


def grid(
    strips: Sequence[tuple[str, NDArray[np.uint8]]], across: int = ACROSS
) -> NDArray[np.uint8]:
    """Captioned pictures uint8 [h, w, 3], `across` a line, on one page; their channels stay.

    Raises:
        ValueError: there are none.
    """
    if not strips:
        raise ValueError("a sheet needs at least one case")
    tiles = []
    for text, strip in strips:
        tile = np.full((strip.shape[0] + CAPTION, strip.shape[1], 3), PAPER, np.uint8)
        tile[CAPTION:] = strip
        # The fonts that OpenCV draws know ASCII only.
        ascii_text = text.encode("ascii", "replace").decode()
        cv2.putText(tile, ascii_text, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
        tiles.append(tile)
    height = max(t.shape[0] for t in tiles) + GAP
    width = max(t.shape[1] for t in tiles) + GAP
    lines = math.ceil(len(tiles) / across)
    page = np.full(
        (lines * height + GAP, min(across, len(tiles)) * width + GAP, 3), PAPER, np.uint8
    )
    for k, tile in enumerate(tiles):
        y, x = GAP + k // across * height, GAP + k % across * width
        page[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return page


def write_sheet(items: Sequence[Ranked], cache: Cache, path: Path) -> None:
    """Write a sheet as PNG."""
    ok, png = cv2.imencode(".png", sheet(items, cache))
    if not ok:
        raise RuntimeError(f"{path} could not be encoded")
    with atomic_path(path) as temporary:
        temporary.write_bytes(png.tobytes())
