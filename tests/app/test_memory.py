"""Freed memory stays in the process until it is given back; a C library but glibc is left alone."""

from __future__ import annotations

import platform
import subprocess
import sys

from app.settings import DEFAULT_MODELS_DIR

PROGRAM = """
import numpy as np
import psutil
from app.memory import give_back, keep_freed_memory

def resident():
    return psutil.Process().memory_info().rss / 1e6

keeps = keep_freed_memory()
buffers = [np.ones(16_000_000, np.uint8) for _ in range(12)]
del buffers
kept = resident()
print(keeps, give_back(), kept - resident())
"""


def test_what_was_kept_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    keeps, gives, given = done.stdout.split()
    glibc = platform.libc_ver()[0] == "glibc"
    assert (keeps, gives) == (str(glibc), str(glibc))
    assert float(given) > 150 or not glibc, "of 192 MB"


LARGE_CROPS = """
import sys
from pathlib import Path
import numpy as np
import psutil
from app.faces.detector import FaceDetector
from app.inference.registry import load_models
from app.inference.runtime import RuntimeOptions
from app.memory import give_back

def resident():
    return psutil.Process().memory_info().rss / 1e6

photo = load_models(Path(sys.argv[1]), RuntimeOptions("cpu", intra_op_threads=1))["photo"]
detector = FaceDetector()
photo.neutralize(np.full((1024, 1024, 3), 127, np.uint8), 1.0)
give_back()
kept = resident()
detector.give_back()
give_back()
print(kept - resident())
"""


def test_what_large_crops_took_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE_CROPS, str(DEFAULT_MODELS_DIR)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) > 30 or platform.libc_ver()[0] != "glibc", "MB, of about 60"
