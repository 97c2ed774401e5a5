"""What the meter is told: its sizes, its training, its export, how it is measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import DirectoryPath, FilePath

from model_training.errors import UsageError
from model_training.runs.config import ComputeConfig, Pace


@dataclass(frozen=True)
class LabelledSets:
    """Folders of image sets that the landmark table labels; None where there is none.

    Attributes:
        london: Face Research Lab London Set.
        canada: portraits of webmorphR.stim.
        fairface: FairFace.
        lfw: LFW; not for weights of `photo`, which are made from the CC BY sets alone.
    """

    london: DirectoryPath | None = None
    canada: DirectoryPath | None = None
    fairface: DirectoryPath | None = None
    lfw: DirectoryPath | None = None

    def folders(self) -> dict[str, Path]:
        """Image set -> folder, of those that are there."""
        return {name: folder for name, folder in asdict(self).items() if folder is not None}

    def need_one(self) -> None:
        """Refuse to go on without any.

        Raises:
            UsageError: all are None.
        """
        if not self.folders():
            raise UsageError("give at least one of --london, --canada, --fairface, --lfw")


@dataclass(frozen=True)
class MeterConfig:
    """Sizes of the network.

    Attributes:
        widths: channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the crop.
        hidden: units of the layer before the outputs.
        dropout: share of hidden units silenced in training.
    """

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)
    hidden: int = 192
    dropout: float = 0.2


@dataclass(frozen=True)
class MeterTrainingConfig:
    """Distil MediaPipe's labels into the meter; started again on OUT, it goes on.

    Attributes:
        sets: folders of image sets.
        landmarks: landmarks.npz of the image sets: MediaPipe's labels.
        out: folder for crops, checkpoint and log.
        steps: of the whole run (the learning rate ends there).
        batch_size: crops a step.
        learning_rate: AdamW's, at its height.
        blendshape_weight: of the auxiliary 52 outputs against the three quantities.
        network: sizes.
        seed: of weights, batches and augmentation.
        threads: torch threads.
        pace: how often to log and save.
        compute: where, and in which precision.
    """

    sets: LabelledSets
    landmarks: FilePath
    out: Path
    steps: int = 4_000
    batch_size: int = 48
    learning_rate: float = 1e-3
    blendshape_weight: float = 0.5
    network: MeterConfig = field(default_factory=MeterConfig)
    seed: int = 0
    threads: int = 2
    pace: Pace = field(default_factory=Pace)
    compute: ComputeConfig = field(default_factory=ComputeConfig)

    @property
    def folders(self) -> dict[str, Path]:
        """Image set -> folder."""
        return self.sets.folders()


@dataclass(frozen=True)
class MeterExportConfig:
    """Write meter/meter.onnx and its entry in the manifest.

    Attributes:
        checkpoint: meter.pt of `train meter`.
        models_dir: where models live.
        version: of the weights.
    """

    checkpoint: FilePath
    models_dir: Path = Path("onnx_models")
    version: str = "1.0.0"


COMMANDS = {
    "train meter": (MeterTrainingConfig, "train"),
    "export meter": (MeterExportConfig, "export"),
}
