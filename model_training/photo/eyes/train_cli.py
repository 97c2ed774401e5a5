"""`python -m model_training train eyes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model_training.runs.compute_cli import Device, Precision, chosen


def register(app: typer.Typer) -> None:
    """Add the command `eyes`."""

    @app.command()
    def eyes(
        prepared: Annotated[Path, typer.Option(help="Output of `prepare-eyes`.")],
        out: Annotated[Path, typer.Option(help="Folder for checkpoint, log and sheets.")],
        rendered: Annotated[
            list[Path] | None,
            typer.Option(
                help="Pairs of `synthesize --expression eyes_closing --size 384`; repeatable."
            ),
        ] = None,
        learning_rate: Annotated[float, typer.Option(help="AdamW's, at its height.")] = 1e-3,
        adversarial: Annotated[float, typer.Option(help="Weight of the LSGAN term.")] = 0.02,
        steps: Annotated[int, typer.Option(help="Steps of the whole run.")] = 2_500,
        seed: Annotated[int, typer.Option(help="Of weights and batches.")] = 0,
        threads: Annotated[int, typer.Option(help="torch threads.")] = 2,
        device: Device = "auto",
        compute: Precision = "auto",
    ) -> None:
        """Train the network that opens closed eyes; started again on OUT, it goes on."""
        import torch

        from model_training.photo.eyes.batches import EyeData
        from model_training.photo.eyes.train import EyeTraining, train_eyes
        from model_training.runs.distributed import ALONE

        config = EyeTraining(
            data=EyeData(eyes=prepared, rendered=tuple(rendered or ())),
            out=out,
            steps=steps,
            learning_rate=learning_rate,
            adversarial=adversarial,
            seed=seed,
            threads=threads,
        )
        torch.set_num_threads(threads)
        checkpoint = train_eyes(config, chosen(device, compute, out, ALONE))
        typer.echo(f"weights in {checkpoint}; write them with: export photo --eyes")
