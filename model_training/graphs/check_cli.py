"""`python -m model_training export check --provider cuda`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

import typer


def register(app: typer.Typer) -> None:
    """Add the command `check`."""

    @app.command()
    def check(
        provider: Annotated[Literal["cuda"], typer.Option(help="Whose kernels.")] = "cuda",
        models_dir: Annotated[Path, typer.Option(help="Where models live.")] = Path("onnx_models"),
        graph: Annotated[
            list[Path] | None,
            typer.Option(
                help="ONNX files instead of the manifest's models.", exists=True, dir_okay=False
            ),
        ] = None,
    ) -> None:
        """List the operators that the installed onnxruntime-gpu has no CUDA kernel for.

        No GPU is needed: the wheel's CUDA provider is loaded with stand-ins for NVIDIA's libraries
        and says which nodes it takes, by operator, opset and data types. Whether CUDA comes up on a
        machine and its GPU suits the kernels is not known that way: `stoicnet info` says it there.

        Exit codes: 0 every kernel is there, 1 one is missing, 2 it cannot be known here.
        """
        import onnxruntime as ort

        from model_training.graphs.cuda_kernels import KernelsUnknownError, partition
        from model_training.runs.manifest import read_manifest

        models = read_manifest(models_dir)["models"] if not graph else {}
        graphs = graph or [models_dir / name / "fused.onnx" for name in models]
        incomplete = False
        for file in graphs:
            try:
                found = partition(file)
            except KernelsUnknownError as error:
                typer.echo(f"{file}: {error}", err=True)
                raise typer.Exit(2) from error
            counts = ", ".join(f"{count} on {name}" for name, count in found.nodes.items())
            typer.echo(f"{file}: {counts} (onnxruntime {ort.__version__})")
            missing = sorted(found.without_kernel, key=lambda node: node.operator)
            for operator, nodes in groupby(missing, key=lambda node: node.operator):
                incomplete = True
                names = ", ".join(node.name for node in nodes)
                typer.echo(f"  no {provider} kernel: {operator} ({names})")
        if incomplete:
            raise typer.Exit(1)
