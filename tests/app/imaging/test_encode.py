from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.imaging.encode import encode_png
from app.imaging.provenance import COMPOSITE, png_text


@pytest.mark.parametrize("compression", [0, 1, 6])
def test_pixels_survive(astronaut: NDArray[np.uint8], compression: int) -> None:
    with Image.open(io.BytesIO(encode_png(astronaut, compression=compression))) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), astronaut)


def test_what_is_no_picture() -> None:
    for wrong in (np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3)), np.zeros((0, 2, 3), np.uint8)):
        with pytest.raises(ValueError, match="uint8"):
            encode_png(wrong)


def test_text_chunks_are_readable() -> None:
    pixels = np.zeros((3, 2, 3), np.uint8)
    with Image.open(io.BytesIO(encode_png(pixels, {"Comment": "größer ≥ 1"}))) as image:
        image.load()  # checks every chunk's CRC
        assert image.info["Comment"] == "größer ≥ 1"
        assert image.info["srgb"] == 1


def test_provenance_names_the_software_and_the_source_type() -> None:
    text = png_text("StoicNet 1.2 (photo 3.4)", altered=True)
    with Image.open(io.BytesIO(encode_png(np.zeros((2, 2, 3), np.uint8), text))) as image:
        assert image.info["Software"] == "StoicNet 1.2 (photo 3.4)"
        description = image.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert description["DigitalSourceType"] == COMPOSITE
    assert description["CreatorTool"] == "StoicNet 1.2 (photo 3.4)"


def test_unaltered_pictures_do_not_claim_a_composite() -> None:
    assert COMPOSITE not in png_text("StoicNet", altered=False)["XML:com.adobe.xmp"]
