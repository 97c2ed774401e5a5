"""A page with one picture in and one out: `STOICNET_URL=http://localhost:8000 python app.py`.

Needs `stoicnet` and requirements.txt.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp

from stoicnet import Client, Options, ServiceError

NOTICE = (
    "The picture is altered by a trained model and says so in its metadata. Not for passports and "
    "other government documents, nor for pictures of people who have not agreed."
)


def neutral(client: Client, photograph: str, strength: float) -> tuple[str | None, str]:
    """One photograph's answer.

    Args:
        client: of the service.
        photograph: path of the file that was chosen.
        strength: 0 leaves the expression, 1 removes it.

    Returns:
        Path of the PNG (None when refused), and a sentence about it.
    """
    try:
        answer = client.neutralize(Path(photograph), Options(strength=strength, faces="largest"))
    except ServiceError as error:
        return None, error.detail
    # A file, not pixels: the metadata that says that it was altered stays in it.
    target = Path(mkdtemp()) / f"{Path(photograph).stem}-neutral.png"
    target.write_bytes(answer.png)
    said = "altered" if answer.altered else "neutral already, nothing was altered"
    return str(target), f"{answer.model}: {said}."


def main() -> None:
    """Start the page."""
    import gradio as gr

    client = Client(
        os.environ.get("STOICNET_URL", "http://localhost:8000"), os.environ.get("STOICNET_KEY")
    )
    gr.Interface(
        lambda photograph, strength: neutral(client, photograph, strength),
        [gr.Image(type="filepath", label="Photograph"), gr.Slider(0, 1, 1, label="Strength")],
        [gr.Image(type="filepath", format="png", label="Neutral"), gr.Textbox(label="Answer")],
        title="StoicNet",
        description=NOTICE,
        flagging_mode="never",
    ).launch()


if __name__ == "__main__":
    main()
