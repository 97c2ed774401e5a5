"""`python -m model_training export photo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command `photo`."""

    @app.command()
    def photo(
        version: Annotated[str, typer.Option(help="Semantic version of these weights.")],
        checkpoint: Annotated[
            Path | None,
            typer.Option(help="Checkpoint of `train photo`; by default what is exported already."),
        ] = None,
        eyes: Annotated[
            Path | None,
            typer.Option(help="Checkpoint of `train eyes`; by default what is exported already."),
        ] = None,
        models_dir: Annotated[Path, typer.Option(help="Where models live.")] = Path("onnx_models"),
    ) -> None:
        """Export both networks of `photo` and their fused graph, and record their hashes."""
        from model_training.photo.export import export_photo, load_photo
        from model_training.photo.eyes.train import load_eye_opener
        from model_training.photo.network import PhotoNet
        from model_training.photo.warm_start import load_eyes, load_photo_network

        if checkpoint is not None:
            network = load_photo(checkpoint)
        else:
            network = PhotoNet().eval()
            load_photo_network(network, models_dir / "photo" / "network.onnx")
        stored = models_dir / "photo" / "eyes.onnx"
        opener = load_eye_opener(eyes) if eyes is not None else load_eyes(stored)
        file = export_photo(network, opener, models_dir, version)
        typer.echo(f"wrote {file} ({file.stat().st_size / 1e6:.1f} MB)")
