"""`python -m model_training train photo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model_training.runs.compute_cli import Device, Precision, chosen


def register(app: typer.Typer) -> None:
    """Add the command `photo`."""

    @app.command()
    def photo(
        pairs: Annotated[list[Path], typer.Option(help="Pair set of `synthesize`; repeatable.")],
        prepared: Annotated[Path, typer.Option(help="Output of `prepare-photo`.")],
        out: Annotated[Path, typer.Option(help="Folder for checkpoint, log and sheets.")],
        start_from: Annotated[
            Path | None, typer.Option(help="Go on from an exported photo/network.onnx.")
        ] = None,
        meter: Annotated[
            Path | None, typer.Option(help="Exported meter.onnx for the expression loss.")
        ] = None,
        learning_rate: Annotated[float, typer.Option(help="AdamW's, at its height.")] = 4e-4,
        adversarial_from: Annotated[
            int, typer.Option(help="Step at which discriminator and meter start.")
        ] = 1_000,
        expression: Annotated[float, typer.Option(help="Weight of the expression loss.")] = 0.1,
        steps: Annotated[int, typer.Option(help="Steps of the whole run.")] = 7_000,
        seed: Annotated[int, typer.Option(help="Of weights, batches and augmentation.")] = 0,
        threads: Annotated[int, typer.Option(help="torch threads.")] = 2,
        device: Device = "auto",
        compute: Precision = "auto",
    ) -> None:
        """Train `photo`; started again on the same OUT, it goes on from its last checkpoint."""
        import torch

        from model_training.photo.batches import PhotoData
        from model_training.photo.config import PhotoTraining
        from model_training.photo.losses import PhotoLossWeights
        from model_training.photo.train import train_photo
        from model_training.runs.distributed import torchrun_workers

        config = PhotoTraining(
            data=PhotoData(pairs=tuple(pairs), prepared=prepared),
            out=out,
            start_from=start_from,
            meter=meter,
            learning_rate=learning_rate,
            adversarial_from=adversarial_from,
            weights=PhotoLossWeights(expression=expression),
            steps=steps,
            seed=seed,
            threads=threads,
        )
        torch.set_num_threads(threads)
        with torchrun_workers() as workers:
            decided = chosen(device, compute, out, workers)
            checkpoint = train_photo(config, decided, workers)
        if workers.main:
            typer.echo(f"weights in {checkpoint}; write them with: export photo --checkpoint")
