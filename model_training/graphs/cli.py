"""`python -m model_training export MODEL`: trained weights to ONNX files and the manifest."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

_MODELS = (
    "classic.export",
    "photo.export",
    "meter.export",
    "graphs.reduced",
    "graphs.check",
)


def register(app: typer.Typer) -> None:
    """Add `export`, with the command each of these modules registers."""
    export_app = typer.Typer(
        name="export", help="Write trained networks as ONNX files.", no_args_is_help=True
    )
    for model in _MODELS:
        name = f"model_training.{model}_cli"
        if find_spec(name):
            import_module(name).register(export_app)

    @export_app.command()
    def quality(
        model: Annotated[str, typer.Argument(help="photo or classic.")],
        models_dir: Annotated[Path, typer.Option(help="Where models live.")] = Path("onnx_models"),
        results: Annotated[Path, typer.Option(help="Published results.")] = Path("docs/results"),
    ) -> None:
        """Copy a model's published results into the manifest."""
        from model_training.graphs.quality import record_quality

        for data, figures in record_quality(models_dir, results, model).items():
            typer.echo(f"{data}: {figures}")

    app.add_typer(export_app)
