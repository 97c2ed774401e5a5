"""What the command line does for the network that opens eyes."""

from __future__ import annotations

import torch

from model_training.photo.eyes.config import EyeSetConfig, EyeTrainingConfig
from model_training.photo.eyes.prepare import prepare_eyes
from model_training.photo.eyes.train import train_eyes
from model_training.runs.start import decide


def prepare(config: EyeSetConfig) -> None:
    """Make the patches that it trains on."""
    prepare_eyes(config)


def train(config: EyeTrainingConfig) -> None:
    """Train it, or go on with it."""
    torch.set_num_threads(config.threads)
    checkpoint = train_eyes(config, decide(config.compute, config.out))
    print(f"weights in {checkpoint}; write them with: export photo --eyes")
