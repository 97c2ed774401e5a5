"""`python -m model_training train classic`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

import typer

from model_training.runs.compute_cli import Device, Precision, chosen

Folder = Annotated[Path | None, typer.Option(exists=True, file_okay=False)]


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """`["w_kl=1e-3", "flip=true"]` to keyword arguments.

    Raises:
        typer.BadParameter: an entry is not KEY=VALUE.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise typer.BadParameter(f"{setting!r} is not KEY=VALUE", param_hint="--set")
        text = {"true": "True", "false": "False"}.get(text.lower(), text)
        try:
            found[key.strip()] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[key.strip()] = text
    return found


def register(train_app: typer.Typer) -> None:
    """Add `train classic`."""
    train_app.command()(classic)


def classic(
    out: Annotated[Path, typer.Option(help="Folder of the run; start again to continue it.")],
    images: Annotated[
        list[Path] | None,
        typer.Option(exists=True, file_okay=False, help="Folder of face images; repeatable."),
    ] = None,
    pairs: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder of pairs for stage 3: pairs.npy, pairs.csv, or source/ and target/ with "
            "files of the same name; repeatable.",
        ),
    ] = None,
    lfw: Folder = None,
    london: Folder = None,
    canada: Folder = None,
    fairface: Folder = None,
    ck_plus: Folder = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Landmark table; otherwise YuNet is used."),
    ] = None,
    align_pairs: Annotated[
        bool, typer.Option(help="Pair files are photographs and must be cropped.")
    ] = False,
    recipe: Annotated[str, typer.Option(help="paper, or extended (see docs/training.md).")] = (
        "paper"
    ),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting of the recipe, as w_kl=1e-3; repeatable."),
    ] = None,
    device: Device = "auto",
    compute: Precision = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves torch's choice.")] = 0,
    log_every: Annotated[int, typer.Option(help="Steps between rows of the CSV.")] = 50,
    checkpoint_every: Annotated[int, typer.Option(help="Steps a kill may lose.")] = 500,
    sheet_epochs: Annotated[
        int, typer.Option(help="Epochs between picture sheets and measurements.")
    ] = 5,
    tensorboard: Annotated[bool, typer.Option(help="Write TensorBoard events too.")] = True,
) -> None:
    """Train StoicNet as published: VAE, adversarial enhancer, neutralizer.

    Reads images (any of --lfw, --london, --canada, --fairface, --ck-plus, --images) and pairs
    (--pairs; --london and --ck-plus bring their own), and writes OUT/classic.pt, with curves,
    picture sheets and checkpoints beside it. Killed at any moment and started again with the same
    options, it continues exactly where its last checkpoint was.
    """
    import torch

    from model_training.classic.perceptual import require_packages
    from model_training.classic.recipe import RECIPES, with_options
    from model_training.classic.sources import Sources, prepare
    from model_training.classic.train import train_classic
    from model_training.runs.checkpoint import CheckpointError
    from model_training.runs.distributed import torchrun_workers
    from model_training.runs.loop import Pace

    if recipe not in RECIPES:
        raise typer.BadParameter(f"one of {', '.join(RECIPES)}", param_hint="--recipe")
    if threads:
        torch.set_num_threads(threads)
    sources = Sources(
        images=images or (),
        lfw=lfw,
        london=london,
        canada=canada,
        fairface=fairface,
        ck_plus=ck_plus,
        pairs=pairs or (),
        align_pairs=align_pairs,
        landmarks=landmarks,
    )
    try:
        settled = with_options(RECIPES[recipe], **parse_settings(settings or []))
        require_packages(settled.perceptual)
        with torchrun_workers() as workers:
            decided = chosen(device, compute, out, workers)
            with workers.main_first():
                crops, pair_sets = prepare(sources, settled.network.image_size, out)
            if workers.main:
                typer.echo(
                    f"{len(crops)} crops ({int(crops.validation.sum())} of validation people), "
                    f"{sum(len(s) for s in pair_sets)} pairs"
                )
            result = train_classic(
                crops,
                pair_sets,
                settled,
                out,
                compute=decided,
                pace=Pace(log_every, checkpoint_every, tensorboard),
                sheet_epochs=sheet_epochs,
                workers=workers,
            )
    except (CheckpointError, ValueError, TypeError, FileNotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    if workers.main:
        command = "python -m model_training export classic"
        typer.echo(f"wrote {result}; export it with: {command} {result}")
