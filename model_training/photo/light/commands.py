"""What the command line does for the network that takes an expression's shade away."""

from __future__ import annotations

import torch

from model_training.photo.light.config import LightTrainingConfig
from model_training.photo.light.train import train_light
from model_training.runs.start import decide


def train(config: LightTrainingConfig) -> None:
    """Train it, or go on with it."""
    torch.set_num_threads(config.threads)
    checkpoint = train_light(config, decide(config.compute, config.out))
    print(f"weights in {checkpoint}; write them with: export photo --light")
