"""What the network that opens eyes is told: its sizes, its data, its training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import DirectoryPath, FilePath
from tyro.conf import Suppress, arg

from model_training.photo.config import CC_BY_SETS, PatchNetConfig
from model_training.runs.config import ComputeConfig, Pace

EYE_OPENER = PatchNetConfig(widths=(24, 48, 96), fine=32)


@dataclass(frozen=True)
class EyeSetConfig:
    """Cut eyes at rest, draw closed lids over them, and collect real closed ones.

    Uses the CC BY sets only, and leaves validation people out.

    Attributes:
        data: folder with london/, canada/ and fairface/, where the landmark table's paths start.
        landmarks: landmark table (.npz) of those images.
        out: folder to write.
        sets: image set to use.
        drawn: versions of every open eye with drawn lids.
        transplanted: versions with another person's lids.
        portraits: how often a studio portrait counts; they are few and sharp.
        workers: processes.
        seed: of every drawn lid.
    """

    data: DirectoryPath
    landmarks: FilePath
    out: Path
    sets: Suppress[tuple[str, ...]] = CC_BY_SETS
    drawn: int = 1
    transplanted: int = 2
    portraits: int = 6
    workers: int = 2
    seed: int = 11


@dataclass(frozen=True)
class EyeData:
    """Where the data is and how a batch is mixed.

    Attributes:
        eyes: output of `prepare-eyes`.
        rendered: pairs of `synthesize --expression eyes_closing --size 384`.
        drawn: eyes shut by drawing in a batch.
        from_renderer: eyes shut by the renderer.
        opened: open eyes, which must stay as they are.
        real: real eyes without a target, half of them shut.
        wink: share of shut eyes beside which the other one is open.
    """

    eyes: Annotated[DirectoryPath, arg(name="prepared")]
    rendered: tuple[DirectoryPath, ...] = ()
    drawn: int = 28
    from_renderer: int = 6
    opened: int = 6
    real: int = 12
    wink: float = 0.4


@dataclass(frozen=True)
class EyeTrainingConfig:
    """Train the network that opens closed eyes; started again on OUT, it goes on.

    Attributes:
        data: where the eyes are.
        out: folder for checkpoint, log and sheets.
        steps: of the whole run (the learning rate ends there).
        learning_rate: AdamW's, at its height.
        critic_rate: Adam's.
        adversarial: weight of the LSGAN term.
        adversarial_from: step at which it begins, ramped over as many steps.
        paint: weight of the bare paint's error, where the target differs from the input.
        cover: weight of the covered area.
        gate: weight of telling shut eyes from open ones.
        network: sizes.
        seed: of weights and batches.
        threads: torch threads.
        sheet_every: steps between sheets.
        pace: how often to log and save.
        compute: where, and in which precision.
    """

    data: EyeData
    out: Path
    steps: int = 2_500
    learning_rate: float = 1e-3
    critic_rate: float = 4e-4
    adversarial: float = 0.02
    adversarial_from: int = 800
    paint: float = 0.5
    cover: float = 0.02
    gate: float = 0.05
    network: PatchNetConfig = EYE_OPENER
    seed: int = 0
    threads: int = 2
    sheet_every: int = 500
    pace: Pace = field(default_factory=Pace)
    compute: ComputeConfig = field(default_factory=ComputeConfig)


COMMANDS = {"prepare-eyes": (EyeSetConfig, "prepare"), "train eyes": (EyeTrainingConfig, "train")}
