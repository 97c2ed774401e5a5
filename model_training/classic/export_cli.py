"""`python -m model_training export classic`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def register(export_app: typer.Typer) -> None:
    """Add `export classic`."""
    export_app.command()(classic)


def classic(
    weights: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="classic.pt of a training.")
    ],
    models: Annotated[Path, typer.Option(help="Folder of manifest.json.")] = Path("onnx_models"),
    version: Annotated[str, typer.Option(help="Semantic version of the weights.")] = "0.1.0",
    neutralizer: Annotated[
        str | None, typer.Option(help="sgd or ridge; by default the recipe's choice.")
    ] = None,
    sharpen: Annotated[
        float | None, typer.Option(min=0.0, help="Strength of the final sharpening filter.")
    ] = None,
    quality: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON of measured figures.")
    ] = None,
) -> None:
    """Write encoder, neutralizer, decoder, enhancer and fused.onnx to MODELS/classic.

    Every file is compared with torch before it gets its name; the manifest then records it.
    """
    from model_training.classic.export import ExportError, export_classic
    from model_training.classic.train import load_result
    from model_training.runs.checkpoint import CheckpointError
    from model_training.runs.manifest import ManifestError

    try:
        network, stored = load_result(weights, neutralizer, sharpen)
        figures = json.loads(quality.read_text()) if quality else None
        files = export_classic(network, models, version, stored["datasets"], figures)
    except (CheckpointError, ExportError, ManifestError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    for file in files:
        typer.echo(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
