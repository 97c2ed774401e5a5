"""What `photo` is told: its network's sizes, its data, its training, its export.

docs/experiments says how the shipped weights were made, in several runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import DirectoryPath, FilePath

from model_training.options import Many
from model_training.runs.config import ComputeConfig

CC_BY_SETS = ("london", "canada", "fairface")
"""The sets whose licence lets the weights be used commercially, with attribution."""


@dataclass(frozen=True)
class PrepareConfig:
    """Make real smile pairs and real crops for training `photo`.

    Uses the CC BY sets only, and leaves validation people out. What is already there is kept.

    Attributes:
        data: folder with london/, canada/ and fairface/, where the landmark table's paths start.
        landmarks: landmark table (.npz) of those images.
        out: folder to write.
        teacher: exported photo/network.onnx that guesses what expressive faces look like calm;
            without one, photographs without a partner teach no motion.
        size: crop side S in pixels.
    """

    data: DirectoryPath
    landmarks: FilePath
    out: Path
    teacher: FilePath | None = None
    size: int = 256


@dataclass(frozen=True)
class PhotoData:
    """Where the data is and how a batch is mixed.

    Attributes:
        pairs: pair set of `synthesize`.
        prepared: output of `prepare-photo`.
        synthetic: synthetic pairs in a batch.
        smiles: real smile pairs in a batch.
        unchanged: real calm crops in a batch, each its own target.
        wild: real expressive crops without a target.
        misaligned: share of the batches that are resampled off their alignment; the others keep
            their sharpness.
    """

    pairs: Many[DirectoryPath]
    prepared: DirectoryPath
    synthetic: int = 13
    smiles: int = 2
    unchanged: int = 3
    wild: int = 6
    misaligned: float = 0.5


@dataclass(frozen=True)
class PhotoLossWeights:
    """How much each term counts (tuned on validation people; see docs/experiments).

    Attributes:
        displacement: both flows against the renderer's, or the landmarks'.
        guessed: what guessed motion and line count of known ones (`guess`).
        line: the signed distance to the lip line, in pixels.
        opening: where one looks into the mouth.
        agreement: difference of the flows beyond the corners of the mouth.
        stillness: movement away from the face.
        smooth: total variation of the flows.
        crease: the picture at the line between the lips, after the true motion.
        lips: where real photographs' lips are fetched from, in pixels.
        expression: the meter's excess over calm faces, on real expressive photographs.
        pair_expression: the meter's error against the true neutral face, on pairs.
    """

    displacement: float = 400.0
    guessed: float = 0.7
    line: float = 0.1
    opening: float = 0.5
    agreement: float = 5.0
    stillness: float = 5.0
    smooth: float = 1.0
    crease: float = 120.0
    lips: float = 0.05
    expression: float = 0.1
    pair_expression: float = 10.0


@dataclass(frozen=True)
class PhotoConfig:
    """Sizes of the network.

    Attributes:
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the window's resolution.
        middle_blocks: residual blocks at the lowest resolution.
        fine: channels at 1/2 of the window's resolution on the way up.
        max_flow: largest displacement, in half window sides (the unit of `grid_sample`).
    """

    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    middle_blocks: int = 3
    fine: int = 48
    max_flow: float = 0.25


@dataclass(frozen=True)
class PatchNetConfig:
    """Sizes of a network that paints patches.

    Attributes:
        widths: channels at 1/2, 1/4 and 1/8 of the patch's resolution.
        fine: channels at 1/2 on the way up.
        middle_blocks: residual blocks at the lowest resolution.
    """

    widths: tuple[int, int, int] = (24, 48, 96)
    fine: int = 32
    middle_blocks: int = 2


@dataclass(frozen=True)
class PhotoTrainingConfig:
    """Train `photo`; started again on the same OUT, it goes on from its last checkpoint.

    Attributes:
        data: where pairs and crops are.
        out: folder for checkpoints, log and sheets.
        start_from: exported photo/network.onnx to go on from; None starts from nothing.
        meter: exported meter.onnx for the expression loss; None leaves that loss out.
        steps: steps of the whole run (the learning rate ends there).
        learning_rate: AdamW's, at its height.
        judged_from: step at which the meter, and what is known of real photographs' lips, begin to
            count; the lip line has to be known by then.
        judged_ramp: steps until they count in full.
        weights: of the loss terms.
        network: sizes.
        seed: of initial weights, batches and augmentation.
        save_every: seconds between checkpoints.
        log_every: steps between rows of the log.
        sheet_every: steps between before/after sheets.
        threads: torch threads.
        compute: where, and in which precision.
    """

    data: PhotoData
    out: Path
    start_from: FilePath | None = None
    meter: FilePath | None = None
    steps: int = 4_000
    learning_rate: float = 1e-3
    judged_from: int = 800
    judged_ramp: int = 800
    weights: PhotoLossWeights = field(default_factory=PhotoLossWeights)
    network: PhotoConfig = field(default_factory=PhotoConfig)
    seed: int = 0
    save_every: float = 180.0
    log_every: int = 50
    sheet_every: int = 500
    threads: int = 2
    compute: ComputeConfig = field(default_factory=ComputeConfig)


@dataclass(frozen=True)
class PhotoExportConfig:
    """Export the four networks of `photo` and their fused graph, and record their hashes.

    Attributes:
        version: semantic version of these weights.
        checkpoint: of `train photo`; by default what is exported already.
        light: checkpoint of `train light`; by default what is exported already.
        eyes: checkpoint of `train eyes`; by default what is exported already.
        lips: checkpoint of `train lips`; by default what is exported already.
        models_dir: where models live.
    """

    version: str
    checkpoint: FilePath | None = None
    light: FilePath | None = None
    eyes: FilePath | None = None
    lips: FilePath | None = None
    models_dir: Path = Path("onnx_models")


COMMANDS = {
    "prepare-photo": (PrepareConfig, "prepare"),
    "train photo": (PhotoTrainingConfig, "train"),
    "export photo": (PhotoExportConfig, "export"),
}
