"""Commands of pair synthesis. Heavy imports happen inside them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Split(StrEnum):
    """Whose people."""

    train = "train"
    validation = "validation"
    all = "all"


Photos = Annotated[Path, typer.Option(help="Folder of photographs.", exists=True, file_okay=False)]
Landmarks = Annotated[
    Path, typer.Option(help="landmarks.npz (see label_landmarks.py).", exists=True, dir_okay=False)
]
FaceModelPath = Annotated[
    Path, typer.Option(help="face_model.npz, or a clone of ICT-FaceKit.", exists=True)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the training command line."""
    app.command()(synthesize)
    app.command()(benchmark_synthesis)
    app.command()(check_pairs)
    app.command()(realism)
    app.command()(expression_sheet)


def synthesize(
    photos: Photos,
    landmarks: Landmarks,
    face_model: FaceModelPath,
    out: Annotated[Path, typer.Option(help="Folder of the pair set; an unfinished one resumes.")],
    pairs: Annotated[int, typer.Option(min=1, help="How many pairs.")] = 30_000,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Crop side in pixels.")] = 256,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    split: Annotated[Split, typer.Option(help="Whose people to use.")] = Split.train,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Data sets (first folder of a path) to leave out; default: lfw."),
    ] = None,
    donors: Annotated[
        bool, typer.Option(help="Borrow real mouths and creases from expressive photographs.")
    ] = True,
    expression: Annotated[
        list[str] | None, typer.Option(help="Only these prototypes (see actions.py); default: all.")
    ] = None,
    frames: Annotated[
        int, typer.Option(min=1, help="Frames per sequence, neutral to apex; 1: single pairs.")
    ] = 1,
) -> None:
    """Put neutral photographs into random expressions: a pair set for training."""
    from model_training.synthesis.actions import PROTOTYPES
    from model_training.synthesis.face_model import FaceModelError
    from model_training.synthesis.run import NothingToDoError, Options
    from model_training.synthesis.run import synthesize as make
    from model_training.synthesis.store import StoreError

    options = Options(
        photos=photos,
        landmarks=landmarks,
        face_model=face_model,
        out=out,
        pairs=pairs,
        size=size,
        seed=seed,
        split=split.value,
        exclude=_excluded(exclude),
        frames=frames,
        donors=donors,
        names=tuple(expression or ()),
    )
    if unknown := set(options.names) - set(PROTOTYPES):
        raise typer.BadParameter(f"no such expression: {', '.join(sorted(unknown))}")
    try:
        make(options, workers)
    except (FaceModelError, NothingToDoError, StoreError) as error:
        raise typer.BadParameter(str(error)) from error


def _excluded(exclude: list[str] | None) -> tuple[str, ...]:
    """The copyright of LFW's photographs is not cleared, so they must be asked for."""
    return tuple(exclude) if exclude is not None else ("lfw",)


def benchmark_synthesis(
    photos: Photos,
    landmarks: Landmarks,
    face_model: FaceModelPath,
    donors: Annotated[Path | None, typer.Option(help="donors.npz of a pair set.")] = None,
    pairs: Annotated[int, typer.Option(min=10, help="Pairs in all.")] = 400,
    size: Annotated[int, typer.Option(min=64)] = 160,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    exclude: Annotated[list[str] | None, typer.Option(help="As for synthesize.")] = None,
) -> None:
    """Pairs a second, fitting excluded, and memory along the way."""
    from model_training.synthesis.benchmark import Task, benchmark

    task = Task(photos, landmarks, face_model, donors, _excluded(exclude), pairs, size, 0)
    results = benchmark(task, workers)
    total = sum(result.pairs for result in results)
    typer.echo(
        f"{total / max(result.wall_s for result in results):.1f} pairs/s over {workers} workers"
    )
    busy = sum(result.cpu_s for result in results)
    typer.echo(f"{total / busy:.1f} pairs per processor second")
    for result in results:
        typer.echo("resident MiB: " + " ".join(f"{value:.0f}" for value in result.memory_mib))


def check_pairs(
    folder: Annotated[Path, typer.Argument(help="A finished pair set.", exists=True)],
    count: Annotated[int, typer.Option(min=10, help="How many random pairs.")] = 200,
    seed: Annotated[int, typer.Option(help="Which ones.")] = 0,
) -> None:
    """Detector, landmarks and recogniser on random pairs (run in the evaluation environment)."""
    from model_training.synthesis.check import check

    for name, value in check(folder, count, seed).items():
        typer.echo(f"{name}: {value:.3f}")


def realism(
    photos: Photos,
    landmarks: Landmarks,
    folder: Annotated[Path, typer.Option("--pairs", help="A finished pair set.", exists=True)],
    count: Annotated[int, typer.Option(min=50, help="Mouths of each kind.")] = 800,
    repeats: Annotated[int, typer.Option(min=1, help="Trainings, with different seeds.")] = 3,
    source: Annotated[str, typer.Option(help="Data set both kinds come from.")] = "fairface",
) -> None:
    """Balanced accuracy of telling synthetic smiles from real ones; 0.5 is a perfect forgery."""
    import numpy as np
    import torch

    from model_training.portraits.landmarks import LandmarkTable
    from model_training.synthesis.realism import accuracy, real_smiles, synthetic_smiles

    torch.set_num_threads(1)
    synthetic = synthetic_smiles(folder, source, count)
    table = LandmarkTable.load(landmarks)
    real = real_smiles(table, photos, source, 256, count, 0)
    found = [accuracy(real, synthetic, seed=seed) for seed in range(repeats)]
    typer.echo(f"{len(real.images)} real, {len(synthetic.images)} synthetic smiles")
    typer.echo(f"accuracy {np.mean(found):.3f} ({', '.join(f'{value:.3f}' for value in found)})")


def expression_sheet(
    photos: Photos,
    landmarks: Landmarks,
    face_model: FaceModelPath,
    out: Annotated[Path, typer.Option(help="Picture to write (.jpg).")],
    source: Annotated[list[str], typer.Option(help="Photograph, as the landmark file names it.")],
    donors: Annotated[Path | None, typer.Option(help="donors.npz of a pair set.")] = None,
    size: Annotated[int, typer.Option(min=64)] = 208,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Fourteen expressions on chosen photographs, one row each."""
    from model_training.portraits.landmarks import LandmarkTable
    from model_training.synthesis.donors import load
    from model_training.synthesis.face_model import load_face_model
    from model_training.synthesis.gallery import expression_sheet as draw
    from model_training.synthesis.gallery import save_jpeg

    table = LandmarkTable.load(landmarks)
    if unknown := [path for path in source if path not in table.paths]:
        raise typer.BadParameter(f"{landmarks} has no {', '.join(unknown)}")
    model = load_face_model(face_model)
    lent = load(model, donors) if donors else None
    save_jpeg(out, draw(model, lent, table, photos, source, size, seed))
