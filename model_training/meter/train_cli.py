"""`python -m model_training train meter`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model_training.runs.compute_cli import Device, Precision, chosen


def register(app: typer.Typer) -> None:
    """Add the command `meter`."""

    @app.command()
    def meter(
        landmarks: Annotated[Path, typer.Option(help="landmarks.npz of the image sets")],
        out: Annotated[Path, typer.Option(help="Folder for crops, checkpoint and log.")],
        london: Annotated[Path | None, typer.Option(help="Face Research Lab London Set")] = None,
        canada: Annotated[Path | None, typer.Option(help="webmorphR.stim portraits")] = None,
        fairface: Annotated[Path | None, typer.Option(help="FairFace")] = None,
        lfw: Annotated[Path | None, typer.Option(help="LFW; not for weights of `photo`")] = None,
        steps: Annotated[int, typer.Option(help="Steps of the whole run.")] = 4_000,
        batch_size: Annotated[int, typer.Option(help="Crops a step.")] = 48,
        seed: Annotated[int, typer.Option(help="Of weights, batches and augmentation.")] = 0,
        threads: Annotated[int, typer.Option(help="torch threads.")] = 2,
        device: Device = "auto",
        compute: Precision = "auto",
    ) -> None:
        """Distil MediaPipe's labels into the meter; started again on OUT, it goes on."""
        import torch

        from model_training.meter.train import MeterTraining, train_meter
        from model_training.runs.distributed import torchrun_workers

        given = {"london": london, "canada": canada, "fairface": fairface, "lfw": lfw}
        folders = {name: folder for name, folder in given.items() if folder is not None}
        if not folders:
            raise typer.BadParameter("give at least one of --london, --canada, --fairface, --lfw")
        config = MeterTraining(
            folders=folders,
            landmarks=landmarks,
            out=out,
            steps=steps,
            batch_size=batch_size,
            seed=seed,
            threads=threads,
        )
        torch.set_num_threads(threads)
        with torchrun_workers() as workers:
            decided = chosen(device, compute, out, workers)
            checkpoint = train_meter(config, decided, workers)
        if workers.main:
            typer.echo(f"weights in {checkpoint}; write them with: export meter --checkpoint")
