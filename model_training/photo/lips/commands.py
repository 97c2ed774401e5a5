"""What the command line does for the network that paints lips."""

from __future__ import annotations

import torch

from model_training.photo.lips.config import LipTrainingConfig
from model_training.photo.lips.train import train_lips
from model_training.runs.start import decide


def train(config: LipTrainingConfig) -> None:
    """Train it, or go on with it."""
    torch.set_num_threads(config.threads)
    checkpoint = train_lips(config, decide(config.compute, config.out))
    print(f"weights in {checkpoint}; write them with: export photo --lips")
