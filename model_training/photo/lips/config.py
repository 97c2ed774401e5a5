"""What the lip painter is told: its sizes, its data, its training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import DirectoryPath

from model_training.options import Many
from model_training.photo.config import PatchNetConfig
from model_training.runs.config import ComputeConfig, Pace

LIP_PAINTER = PatchNetConfig(widths=(24, 48, 96), fine=32)


@dataclass(frozen=True)
class LipData:
    """Where calm mouths are.

    Attributes:
        pairs: pair set of `synthesize`; its neutral faces are real photographs.
        prepared: output of `prepare-photo`; the neutral faces of its smiles.
        batch: mouths in a batch.
        portraits: share of them that are of `prepared`: few and sharp.
        untouched: share of those whose lips are not hidden that are shown as they are and must stay
            so.
    """

    pairs: Many[DirectoryPath]
    prepared: DirectoryPath
    batch: int = 40
    portraits: float = 0.1
    untouched: float = 0.3


@dataclass(frozen=True)
class LipTrainingConfig:
    """Train the network that paints lips; started again on OUT, it goes on.

    Attributes:
        data: where calm mouths are.
        out: folder for checkpoint, log and sheets.
        steps: of the whole run (the learning rate ends there).
        learning_rate: AdamW's, at its height.
        critic_rate: Adam's.
        adversarial: weight of the critic's doubts.
        adversarial_from: step at which it begins, ramped over as many steps.
        near: how much more the lips count than what is round them.
        edges: weight of the error of differences between neighbours.
        even: weight of the light's own unevenness.
        network: sizes.
        seed: of weights and batches.
        threads: torch threads.
        sheet_every: steps between sheets.
        pace: how often to log and save.
        compute: where, and in which precision.
    """

    data: LipData
    out: Path
    steps: int = 2_600
    learning_rate: float = 2e-3
    critic_rate: float = 4e-4
    adversarial: float = 0.004
    adversarial_from: int = 400
    near: float = 3.0
    edges: float = 1.0
    even: float = 0.02
    network: PatchNetConfig = LIP_PAINTER
    seed: int = 0
    threads: int = 2
    sheet_every: int = 500
    pace: Pace = field(default_factory=Pace)
    compute: ComputeConfig = field(default_factory=ComputeConfig)


COMMANDS = {"train lips": (LipTrainingConfig, "train")}
