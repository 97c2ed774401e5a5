"""What every training is told: where to compute, how precisely, how often to log and save."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg


@dataclass(frozen=True)
class DeviceConfig:
    """Where to compute.

    Attributes:
        device: where to compute; auto takes a GPU if torch finds one.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"


@dataclass(frozen=True)
class ComputeConfig(DeviceConfig):
    """Where to compute, and in which precision.

    Attributes:
        compute: precision; auto measures both for two seconds, if the machine has both.
    """

    compute: Literal["auto", "bfloat16", "float32"] = "auto"


@dataclass(frozen=True)
class Pace:
    """How often things happen, in steps.

    Attributes:
        log: steps between rows of the CSV and the progress line.
        checkpoint: a kill loses at most this many steps.
        tensorboard: also write TensorBoard events.
        seconds: a kill loses at most about this much time, too.
    """

    log: Annotated[int, arg(name="log-every")] = 50
    checkpoint: Annotated[int, arg(name="checkpoint-every")] = 500
    tensorboard: bool = True
    seconds: Annotated[float, arg(name="checkpoint-seconds")] = math.inf
