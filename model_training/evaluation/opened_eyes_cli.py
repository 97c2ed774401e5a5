"""`python -m model_training evaluate-eyes`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate_eyes_command(
    data: Annotated[Path, typer.Option(help="folder that the landmark table's paths start from")],
    landmarks: Annotated[Path, typer.Option(help="landmarks.npz of the data")],
    sets: Annotated[list[str], typer.Option("--set", help="image set to look through; repeatable")],
    model: Annotated[str, typer.Option(help="photo or classic")] = "photo",
    models_dir: Annotated[Path, typer.Option(help="where models live")] = Path("onnx_models"),
    open_faces: Annotated[int, typer.Option(min=0, help="faces with open eyes")] = 200,
    sheet: Annotated[Path | None, typer.Option(help="a JPEG of closed eyes to write")] = None,
    count: Annotated[int, typer.Option(min=1, help="faces on the sheet")] = 24,
    size: Annotated[int, typer.Option(min=64, max=1024, help="side of a crop, pixels")] = 256,
    cache: Annotated[Path, typer.Option(help="measurements are kept here")] = Path(
        "runs/evaluation/cache"
    ),
) -> None:
    """Are shut eyes opened, and open ones left open, on people nobody trained on?

    Of London, canada and FairFace, which `photo` was trained on, validation people are taken; of
    other sets everybody. An eye counts as open from a lid distance of 0.12 eye widths on, by
    MediaPipe, which also calls a dark blur between lids open: look at the sheet.
    """
    from tqdm import tqdm

    from app.faces.detector import FaceDetector
    from model_training.evaluation import opened_eyes, unseen_sheet
    from model_training.evaluation.cache import Cache
    from model_training.evaluation.choice import choose_system
    from model_training.evaluation.instruments import Instruments
    from model_training.evaluation.views import EyeFinder
    from model_training.portraits.landmarks import LandmarkTable
    from model_training.runs.atomic import atomic_path

    table = LandmarkTable.load(landmarks)
    trained = ("london", "canada", "fairface")
    faces = opened_eyes.unseen_faces(data, table, sets, open_faces, trained)
    system, _ = choose_system(model, models_dir)
    stored = Cache(cache)
    finder = EyeFinder(FaceDetector(), stored)
    with (
        Instruments(stored, sface=False) as instruments,
        tqdm(total=len(faces), desc="eyes", unit="face") as bar,
    ):
        outcomes = opened_eyes.measure(faces, system, finder, instruments, bar.update)
    typer.echo(json.dumps(opened_eyes.summary(outcomes), indent=2))
    if sheet is not None:
        page = opened_eyes.draw(outcomes, system, finder, size, count)
        with atomic_path(sheet) as temporary:
            temporary.write_bytes(unseen_sheet.encode(page))
