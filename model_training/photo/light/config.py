"""What the network for light is told: its sizes, its data, its training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import DirectoryPath, FilePath

from model_training.options import Many
from model_training.photo.config import PatchNetConfig, PhotoData
from model_training.runs.config import ComputeConfig, Pace

LIGHT_NET = PatchNetConfig(widths=(16, 32, 64), fine=24)


@dataclass(frozen=True)
class LightData:
    """Where pairs are, and how a batch is mixed.

    Attributes:
        pairs: pair set of `synthesize`.
        prepared: output of `prepare-photo`.
        synthetic: synthetic pairs in a batch.
        smiles: real smile pairs in a batch.
        unchanged: real calm crops in a batch, which keep their light.
        deepest: by how much of itself an expression's shade is deepened at most; it is weakened by
            half of itself at most.
        lent: share of the pairs whose calm faces are shown with the shade of another pair's real
            smile.
    """

    pairs: Many[DirectoryPath]
    prepared: DirectoryPath
    synthetic: int = 12
    smiles: int = 10
    unchanged: int = 4
    deepest: float = 1.0
    lent: float = 0.3

    def pairs_of_photo(self) -> PhotoData:
        """The same, as the batches of `photo` are told."""
        return PhotoData(self.pairs, self.prepared, self.synthetic, self.smiles, self.unchanged)


@dataclass(frozen=True)
class LightTrainingConfig:
    """Train the network that takes an expression's shade away; started again on OUT, it goes on.

    Attributes:
        data: where pairs are.
        out: folder for checkpoint, log and sheets.
        motion: exported photo/network.onnx, whose moved faces it learns to light.
        steps: of the whole run (the learning rate ends there).
        learning_rate: AdamW's, at its height.
        even: weight of the light's unevenness.
        beside: weight of light where nothing is known.
        network: sizes.
        seed: of weights and batches.
        threads: torch threads.
        sheet_every: steps between sheets.
        pace: how often to log and save.
        compute: where, and in which precision.
    """

    data: LightData
    out: Path
    motion: FilePath = Path("onnx_models/photo/network.onnx")
    steps: int = 900
    learning_rate: float = 2e-3
    even: float = 0.002
    beside: float = 0.2
    network: PatchNetConfig = LIGHT_NET
    seed: int = 0
    threads: int = 2
    sheet_every: int = 300
    pace: Pace = field(default_factory=Pace)
    compute: ComputeConfig = field(default_factory=ComputeConfig)


COMMANDS = {"train light": (LightTrainingConfig, "train")}
