"""Sizes and options of the `classic` networks; the defaults are the paper's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

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
