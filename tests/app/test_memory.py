"""Freed memory stays in the process until it is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
from app.memory import give_back, keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

assert keep_freed_memory()
buffers = [np.ones(16_000_000, np.uint8) for _ in range(12)]
del buffers
kept = resident()
assert give_back()
print(kept, resident())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc")
def test_what_was_kept_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    kept, left = map(float, done.stdout.split())
    assert kept - left > 150, "of 192 MB"
