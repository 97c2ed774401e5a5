"""What calm faces' landmarks look like, as a normal distribution: a prior for guessed ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

Points = NDArray[np.floating]
Floats = NDArray[np.float64]

COMPONENTS = 80
"""Directions that are kept; the next one's deviation is under half a pixel of a 256 px crop."""


@dataclass(frozen=True)
class CalmShapes:
    """Mean and principal directions of calm faces' landmarks in aligned crops.

    Attributes:
        mean: [M, 2], pixels.
        directions: [2 M, K], each as long as its standard deviation.
        mirror: int [M], each landmark's partner in a mirrored face.
    """

    mean: Floats
    directions: Floats
    mirror: NDArray[np.integer]

    @classmethod
    def of(cls, faces: Points, side: int, components: int = COMPONENTS) -> CalmShapes:
        """The distribution of some faces and of their mirror images.

        Args:
            faces: [N, M, 2], in pixels of crops of this side.
            side: of the crops.
            components: directions to keep, at most.
        """
        average = faces.mean(0)
        turned = average * [-1, 1] + [side - 1, 0]
        mirror = linear_sum_assignment(cdist(average, turned))[1]
        both = np.concatenate([faces, faces[:, mirror] * [-1, 1] + [side - 1, 0]])
        rows = both.reshape(len(both), -1).astype(np.float64)
        mean = rows.mean(0)
        _, lengths, axes = np.linalg.svd(rows - mean, full_matrices=False)
        kept = min(components, int((lengths > 1e-9 * lengths[0]).sum()))
        directions = axes[:kept].T * (lengths[:kept] / np.sqrt(len(rows)))
        return cls(mean.reshape(-1, 2), directions, mirror)

    def most_likely(self, seen: Points, deviation: Points) -> Floats:
        """The calm face that explains landmarks best (maximum a posteriori), [M, 2].

        Args:
            seen: [M, 2], pixels.
            deviation: [M], by how many pixels each may be wrong.
        """
        weight = np.repeat(1.0 / np.asarray(deviation, np.float64) ** 2, 2)
        off = (np.asarray(seen, np.float64) - self.mean).ravel()
        projected = self.directions.T * weight
        system = projected @ self.directions + np.eye(self.directions.shape[1])
        found = np.linalg.solve(system, projected @ off)
        return self.mean + (self.directions @ found).reshape(-1, 2)
