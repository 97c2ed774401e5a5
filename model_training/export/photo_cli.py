"""`python -m model_training export photo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command `photo`."""

    @app.command()
    def photo(
        checkpoint: Annotated[Path, typer.Option(help="Checkpoint of `train photo`.")],
        version: Annotated[str, typer.Option(help="Semantic version of these weights.")],
        models_dir: Annotated[Path, typer.Option(help="Where models live.")] = Path("onnx_models"),
    ) -> None:
        """Export the photo network and its fused graph, and record their hashes."""
        from model_training.export.photo import export_photo, load_photo

        file = export_photo(load_photo(checkpoint), models_dir, version)
        typer.echo(f"wrote {file} ({file.stat().st_size / 1e6:.1f} MB)")
