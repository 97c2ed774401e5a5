"""The meter: how expressive an aligned face is, and how open its mouth and eyes are.

A small network of ours, distilled from MediaPipe's labels, for two uses: the service reports
expression before and after with it (a few milliseconds, no MediaPipe), and a training can ask it
whether an output looks neutral (it is differentiable in its input).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.meter.config import MeterConfig

METER_SIZE = 160
"""Side of its crop in pixels (the crop contract's geometry): eyes 43 px apart, so that a mouth
open by a hundredth of that still shows."""
QUANTITIES = ("score", "lip_gap", "eye_opening")
BLENDSHAPE_NAMES = tuple(
    """
    _neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight
    cheekPuff cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft
    eyeLookDownRight eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight
    eyeLookUpLeft eyeLookUpRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight
    jawForward jawLeft jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight
    mouthFrownLeft mouthFrownRight mouthFunnel mouthLeft mouthLowerDownLeft
    mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker mouthRight mouthRollLower
    mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight
    mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft
    noseSneerRight
    """.split()  # noqa: SIM905
)
"""MediaPipe's blendshapes in its order."""
BLENDSHAPES = len(BLENDSHAPE_NAMES)


class MeterReading(NamedTuple):
    """What the meter says about a batch.

    Attributes:
        quantities: [B, 3]: sum of expression blendshapes (about 0 to 15), lip gap / inter-ocular
            distance, lid distance / eye width.
        blendshapes: [B, 52], MediaPipe's order; about 0 to 1, not clamped.
    """

    quantities: Tensor
    blendshapes: Tensor


class _Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


class MeterNet(nn.Module):
    """Convolutions to a 5 x 5 map, which is flattened: averaging would forget where a lip is."""

    mean: Tensor
    scale: Tensor

    def __init__(self, config: MeterConfig | None = None) -> None:
        super().__init__()
        self.config = config or MeterConfig()
        layers: list[nn.Module] = []
        previous = 3
        for depth, width in enumerate(self.config.widths):
            layers += [
                nn.Conv2d(previous, width, 3, 2, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            if depth >= 2:
                layers.append(_Residual(width))
            previous = width
        self.features = nn.Sequential(*layers)
        side = METER_SIZE // 2 ** len(self.config.widths)
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Linear(previous * side * side, self.config.hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(self.config.dropout),
        )
        self.output = nn.Linear(self.config.hidden, len(QUANTITIES) + BLENDSHAPES)
        # What the labels look like: the layers before work on standardised numbers.
        self.register_buffer("mean", torch.zeros(len(QUANTITIES) + BLENDSHAPES))
        self.register_buffer("scale", torch.ones(len(QUANTITIES) + BLENDSHAPES))

    def standardised(self, x: Tensor) -> Tensor:
        """Crops [B, 3, 160, 160] in [-1, 1] -> all outputs in label deviations, [B, 55]."""
        outputs: Tensor = self.output(self.hidden(self.features(x)))
        return outputs

    def forward(self, x: Tensor) -> MeterReading:
        """Crops [B, 3, 160, 160] RGB in [-1, 1] -> readings in their own units."""
        values = self.standardised(x).float() * self.scale + self.mean
        return MeterReading(values[:, : len(QUANTITIES)], values[:, len(QUANTITIES) :])

    def set_scale(self, labels: Tensor) -> None:
        """Take mean and deviation from training labels [N, 55]."""
        self.mean.copy_(labels.mean(0))
        # A blendshape that never moves must not blow up.
        self.scale.copy_(labels.std(0).clamp_min(0.01))
