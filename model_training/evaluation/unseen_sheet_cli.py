"""`python -m model_training evaluate-sheet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate_sheet_command(
    data: Annotated[
        list[Path], typer.Option(help="folder of a data set; its validation people; repeatable")
    ],
    out: Annotated[Path, typer.Option(help="the JPEG to write")],
    model: Annotated[str, typer.Option(help="photo or classic")] = "photo",
    count: Annotated[int, typer.Option(min=1, help="people on the sheet")] = 48,
    size: Annotated[int, typer.Option(min=64, max=1024, help="side of a crop, pixels")] = 512,
    models_dir: Annotated[Path, typer.Option(help="where models live")] = Path("onnx_models"),
    cache: Annotated[Path, typer.Option(help="measurements are kept here")] = Path(
        "runs/evaluation/cache"
    ),
) -> None:
    """Draw input and output of people who are in no training set, one each, worst first.

    Data sets are taken in the order given until COUNT people are found. The sheet shows
    photographs: only data whose licence allows it may be on a published one.
    """
    from tqdm import tqdm

    from model_training.evaluation import unseen_sheet
    from model_training.evaluation.choice import choose_system, load_dataset
    from model_training.runs.atomic import atomic_path

    found = [
        load_dataset(str(folder), "validation", None, None, None, None, None) for folder in data
    ]
    chosen = unseen_sheet.one_a_person(found, count)
    system, _ = choose_system(model, models_dir)
    with tqdm(total=sum(len(d.cases) for d in chosen), desc="people", unit="face") as bar:
        shown = unseen_sheet.measure(chosen, system, cache, bar.update)
    page = unseen_sheet.draw(shown, system, cache, size)
    with atomic_path(out) as temporary:
        temporary.write_bytes(unseen_sheet.encode(page))
    typer.echo(f"{len(shown)} people on {out}, worst first")
