"""What the tests of files and pixels share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(astronaut: Pixels) -> Pixels:
    """Not square, so that a wrong turn shows."""
    return np.ascontiguousarray(astronaut[20:120, 150:290])
