"""`python -m model_training prepare-photo` and `prepare-eyes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `prepare-photo` and `prepare-eyes`."""

    @app.command("prepare-photo")
    def prepare_photo_command(
        data: Annotated[Path, typer.Option(help="Folder with london/, canada/, fairface/.")],
        landmarks: Annotated[Path, typer.Option(help="Landmark table (.npz) of those images.")],
        out: Annotated[Path, typer.Option(help="Folder to write.")],
        size: Annotated[int, typer.Option(help="Crop side in pixels.")] = 256,
        workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    ) -> None:
        """Make transplants, real smile pairs and real crops for training `photo`.

        Uses the CC BY sets only, and leaves validation people out. What is already there is kept.
        """
        from model_training.photo.prepare import PrepareConfig, prepare_photo

        prepare_photo(
            PrepareConfig(data=data, landmarks=landmarks, out=out, size=size, workers=workers)
        )

    @app.command("prepare-eyes")
    def prepare_eyes_command(
        data: Annotated[Path, typer.Option(help="Folder with london/, canada/, fairface/.")],
        landmarks: Annotated[Path, typer.Option(help="Landmark table (.npz) of those images.")],
        out: Annotated[Path, typer.Option(help="Folder to write.")],
        workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    ) -> None:
        """Cut eyes at rest, draw closed lids over them, and collect real closed ones.

        Uses the CC BY sets only, and leaves validation people out.
        """
        from model_training.photo.eyes.prepare import EyeSetConfig, prepare_eyes

        prepare_eyes(EyeSetConfig(data=data, landmarks=landmarks, out=out, workers=workers))
