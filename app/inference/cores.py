"""How many cores this process may use: what a container grants, not what the machine has."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def _quota(cpu_max: Path) -> float:
    """Cores granted by the cgroup (v2); infinite without a limit."""
    try:
        allowed, period = cpu_max.read_text().split()
        return math.inf if allowed == "max" else int(allowed) / int(period)
    except (OSError, ValueError):
        return math.inf


def usable_cores(cpu_max: Path = _CPU_MAX) -> int:
    """Cores by affinity and cgroup quota, at least 1.

    ONNX Runtime's own choice is the machine's cores: in a container with a quota its threads are
    then throttled by the kernel for most of every period.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, math.ceil(min(_quota(cpu_max), cores))))
