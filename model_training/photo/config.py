"""What a training of `photo` is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from model_training.photo.batches import PhotoData
from model_training.photo.losses import PhotoLossWeights
from model_training.photo.network import PhotoConfig


@dataclass(frozen=True)
class PhotoTraining:
    """One training run.

    Attributes:
        data: where pairs and crops are.
        out: folder for checkpoints, log and sheets.
        start_from: exported `photo/network.onnx` to go on from; None starts from nothing.
        meter: exported meter for the expression loss; None leaves that loss out.
        steps: generator steps of the whole run (the learning rate ends there).
        learning_rate: AdamW's, at its height.
        discriminator_rate: Adam's; not above the generator's.
        adversarial_from: step at which the judges start: discriminator and meter.
        adversarial_ramp: steps until its weight is full.
        weights: of the loss terms.
        network: sizes.
        seed: of initial weights, batches and augmentation.
        save_every: seconds between checkpoints.
        log_every: steps between rows of the log.
        sheet_every: steps between before/after sheets.
        threads: torch threads.
    """

    data: PhotoData
    out: Path
    start_from: Path | None = None
    meter: Path | None = None
    steps: int = 7_000
    learning_rate: float = 4e-4
    discriminator_rate: float = 4e-4
    adversarial_from: int = 1_000
    adversarial_ramp: int = 2_000
    weights: PhotoLossWeights = field(default_factory=PhotoLossWeights)
    network: PhotoConfig = field(default_factory=PhotoConfig)
    seed: int = 0
    save_every: float = 180.0
    log_every: int = 50
    sheet_every: int = 500
    threads: int = 2
