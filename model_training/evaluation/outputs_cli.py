"""`python -m model_training evaluate-outputs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate_outputs_command(
    lfw: Annotated[Path, typer.Option(help="LFW: expressive and calm photographs of a person")],
    london: Annotated[Path, typer.Option(help="Face Research Lab London Set: neutral faces")],
    landmarks: Annotated[Path, typer.Option(help="landmarks.npz of the data")],
    model: Annotated[str, typer.Option(help="photo or classic")] = "photo",
    people: Annotated[str, typer.Option(help="of LFW: validation, training or all")] = "all",
    models_dir: Annotated[Path, typer.Option(help="where models live")] = Path("onnx_models"),
    limit: Annotated[int | None, typer.Option(min=8, help="only so many people")] = None,
    out: Annotated[Path, typer.Option(help="report and sheet go here")] = Path("runs/evaluation"),
) -> None:
    """Can outputs be told from real calm photographs, and do neutral faces come back unchanged?

    Neutral faces are the London Set's validation people, measured with and without the service's
    rule that a face which is neutral already is left alone. Needs the extra `train`.
    """
    import cv2
    from tqdm import tqdm

    from app.pipeline import Neutralizer
    from app.settings import Settings
    from model_training.evaluation import datasets, outputs
    from model_training.runs.atomic import atomic_path

    def service(**options: object) -> Neutralizer:
        settings = {"models_dir": models_dir, "default_model": model, "warm_up": False, **options}
        return Neutralizer.build(Settings.model_validate(settings))

    cases = datasets.lfw(lfw, landmarks, people=people).cases[:limit]
    with tqdm(total=len(cases), desc="outputs") as bar:
        seen = outputs.look(service(), cases, bar.update)
    accuracy, judgement = outputs.realism(seen)
    neutral = [case.neutral for case in datasets.london(london).cases if case.neutral is not None]
    report = {
        "model": model,
        "people": len(seen.outputs.people),
        "tested_people": len(judgement.synthetic),
        "balanced_accuracy": accuracy,
        "neutral_faces": len(neutral),
    }
    for name, rule in (("served", {}), ("without_the_rule", {"min_change": 0.0})):
        changes = outputs.neutral_changes(service(**rule), neutral)
        report[f"neutral_change_{name}"] = {
            "mean": round(float(changes.mean()), 3),
            "largest": round(float(changes.max()), 3),
        }
    sheet = cv2.cvtColor(outputs.judged_sheet(seen, judgement), cv2.COLOR_RGB2BGR)
    for file, data in (
        (out / f"{model}-outputs.png", cv2.imencode(".png", sheet)[1].tobytes()),
        (out / f"{model}-outputs.json", (json.dumps(report, indent=2) + "\n").encode()),
    ):
        with atomic_path(file) as temporary:
            temporary.write_bytes(data)
    typer.echo(json.dumps(report, indent=2))
