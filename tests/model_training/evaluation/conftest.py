"""Measured rows and pictures for the tests of the evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from model_training.evaluation.rows import Row

ROWS = Path(__file__).parent / "london_rows.json"


@pytest.fixture(scope="session")
def london_rows() -> list[Row]:
    """Rows of the three controls, measured on the 15 London validation people."""
    return [Row.from_json(row) for row in json.loads(ROWS.read_text(encoding="utf-8"))["rows"]]


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """A smiling woman, uint8 RGB [512, 512, 3]: NASA's portrait of Eileen Collins."""
    return np.asarray(data.astronaut(), np.uint8)
