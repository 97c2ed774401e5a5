"""Where the threshold of seen teeth comes from: photographs of calm faces with shut lips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_training.evaluation.cases import FilePicture, stable_order
from model_training.evaluation.mouth import teeth_share
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import validation_mask


def calm_teeth(
    data: Path, table: LandmarkTable, sets: Sequence[str], most: int
) -> dict[str, NDArray[np.float64]]:
    """The teeth measure of calm faces, of people who are not in validation.

    Args:
        data: folder that the table's paths start from.
        table: landmarks of the photographs.
        sets: image sets to look through.
        most: so many photographs of a set, in an order that is the same everywhere.

    Returns:
        set -> shares in [0, 1].
    """
    calm = table.near_neutral() & ~np.array(validation_mask(table.paths))
    rows = {table.paths[k]: int(k) for k in np.flatnonzero(calm)}
    found = {}
    for name in sets:
        chosen = stable_order(path for path in rows if path.split("/")[0] == name)[:most]
        shares = [
            teeth_share(FilePicture(data / path, path).read(), table.points[rows[path]])
            for path in chosen
        ]
        found[name] = np.array(shares)
    return found
