"""`python -m model_training export meter`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command `meter`."""

    @app.command()
    def meter(
        checkpoint: Annotated[Path, typer.Option(help="meter.pt of `train meter`.")],
        models_dir: Annotated[Path, typer.Option(help="Where models live.")] = Path("onnx_models"),
        version: Annotated[str, typer.Option(help="Version of the weights.")] = "1.0.0",
    ) -> None:
        """Write meter/meter.onnx and its entry in the manifest."""
        from model_training.meter.export import export_meter

        typer.echo(f"written: {export_meter(checkpoint, models_dir, version)}")
