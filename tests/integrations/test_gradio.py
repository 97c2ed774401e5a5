"""What the Gradio app does with a photograph, against a running service."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from PIL import Image

from integrations.gradio.app import neutral
from stoicnet import Client

ASTRONAUT = Path(__file__).resolve().parents[2] / "docs" / "samples" / "astronaut.jpg"


@pytest.mark.slow
def test_a_photograph_and_a_refusal(server: httpx.Client, tmp_path: Path) -> None:
    with Client(str(server.base_url)) as client:
        path, said = neutral(client, str(ASTRONAUT), 1.0)
        assert path is not None
        assert said.startswith("photo/")
        assert said.endswith(": altered.")
        with Image.open(path) as picture:
            assert picture.size == (512, 512)
            assert "compositeWithTrained" in picture.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]
        assert neutral(client, str(ASTRONAUT), 0.0)[1].endswith("nothing was altered.")
        letter = tmp_path / "letter.jpg"
        letter.write_text("Dear sir")
        path, said = neutral(client, str(letter), 1.0)
        assert path is None
        assert "image" in said
