"""The node `Neutral face`: a batch of pictures in, the same people with a neutral face out."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stoicnet import Neutralizer, Options, Settings


@cache
def neutralizer(device: str) -> Neutralizer:
    """Loaded once per device, when the first picture comes."""
    return Neutralizer.build(Settings.model_validate({"device": device}))


def as_file(pixels: NDArray[np.float32]) -> bytes:
    """One picture of ComfyUI, float32 RGB [H, W, 3] in 0 to 1, as an uncompressed PNG."""
    buffer = io.BytesIO()
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(levels).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


class NeutralFace:
    """The node, by ComfyUI's interface."""

    CATEGORY = "image/face"
    FUNCTION = "run"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("image", "altered")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802, the interface's name
        """The sockets and widgets."""
        return {
            "required": {
                "image": ("IMAGE",),
                "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05}),
                "faces": (cls.FACES, {"default": "largest"}),
                "device": (cls.DEVICES, {"default": "auto"}),
            }
        }

    FACES: ClassVar[list[str]] = ["largest", "all", "one"]
    DEVICES: ClassVar[list[str]] = ["auto", "cpu", "cuda"]

    def run(self, image: Any, strength: float, faces: str, device: str) -> tuple[Any, Any]:
        """Neutralize every picture of a batch.

        Args:
            image: tensor float32 [B, H, W, 3] in 0 to 1.
            strength: 0 leaves the expression, 1 removes it.
            faces: which faces of each picture.
            device: where the model runs.

        Returns:
            The pictures, and where they were altered, float32 [B, H, W] in 0 to 1.

        Raises:
            StoicNetError: a picture shows no face, or too small a one; ComfyUI shows the text.
        """
        options = Options.model_validate({"strength": strength, "faces": faces})
        # Tensors are made by the tensor that came: this needs no PyTorch of its own.
        results = [
            neutralizer(device).neutralize(as_file(picture), options)
            for picture in image.cpu().numpy()
        ]
        pictures = np.stack([result.image for result in results])
        masks = np.stack([result.mask for result in results])
        return (
            image.new_tensor(pictures.astype(np.float32) / 255),
            image.new_tensor(masks.astype(np.float32) / 255),
        )
