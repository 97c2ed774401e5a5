"""What the command line measures.

Each command imports what it needs itself: some run beside MediaPipe and dlib without torch, some
with torch.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from tqdm import tqdm

from model_training.errors import InputError, UsageError
from model_training.evaluation.config import (
    AgreementConfig,
    ControlCheckConfig,
    DataConfig,
    EvaluationConfig,
    EyesConfig,
    FiguresConfig,
    OutputsConfig,
    ResultsConfig,
    SheetConfig,
)
from model_training.runs.atomic import atomic_path, write_json

if TYPE_CHECKING:
    from model_training.evaluation.views import View

TRAINED = ("london", "canada", "fairface")
"""The sets of which `photo` has seen everybody but the validation people."""


def evaluate(config: EvaluationConfig) -> None:
    """Measure systems on a data set, and write and print what was found."""
    from model_training.evaluation import evaluate as suite
    from model_training.evaluation import tables
    from model_training.evaluation.choice import choose_system, load_dataset
    from model_training.evaluation.comparison import side_by_side
    from model_training.evaluation.openface import PictureFolder

    if len(config.model) > 1 and (config.service or config.outputs):
        raise UsageError("a service or a folder of outputs is one --model")
    dataset = load_dataset(config.data)
    token = config.token or os.environ.get("STOICNET_TOKEN")
    systems = [
        choose_system(
            model, config.models_dir, config.service, token, config.outputs, config.strength
        )
        for model in config.model
    ]
    total = min(config.limit or len(dataset.cases), len(dataset.cases))
    documents = []
    with tqdm(total=total * len(systems), desc=dataset.name, unit="pair") as bar:

        def advance() -> None:
            bar.update()

        for system in systems:
            result = suite.evaluate(
                dataset,
                system,
                config.out / "cache",
                advance,
                config.limit,
                openface=PictureFolder(config.openface) if config.openface else None,
                sface=config.sface,
            )
            place = config.out / f"{system.name}-{dataset.name}"
            suite.save(result, place)
            if config.publish:
                write_json(result.document, config.publish / f"{place.name}.json")
            documents.append(result.document)
    for document in documents:
        print(tables.text(document))
        place = config.out / f"{document['model']}-{dataset.name}"
        print(f"\nwritten to {place}: report.html, worst.png, results.json, rows.json\n")
    if len(documents) > 1:
        print("Side by side\n" + tables.plain(side_by_side(documents)))


def evaluate_check(config: ControlCheckConfig) -> None:
    """Measure the controls.

    Raises:
        SystemExit: with 1, one of them is not what it must be.
    """
    from model_training.evaluation import datasets
    from model_training.evaluation.control_check import broken_controls
    from model_training.evaluation.controls import NoOp
    from model_training.evaluation.evaluate import evaluate as measure
    from model_training.evaluation.views import CropView, PhotoView

    views: tuple[View, ...] = (PhotoView(), CropView(112, grey=True))
    wrong = []
    for view in views:
        dataset = datasets.london(config.london, config.people)
        cache = config.out / "cache"
        result = measure(dataset, NoOp(view), cache, lambda: None, resamples=50)
        found = broken_controls(result.document)
        wrong += [f"{view.name}: {problem}" for problem in found]
        print(f"{view.name}: {len(dataset.cases)} pairs, {len(found)} problems")
    for problem in wrong:
        print(problem, file=sys.stderr)
    if wrong:
        raise SystemExit(1)


def evaluate_meter(config: AgreementConfig) -> None:
    """Compare the meter with MediaPipe."""
    from model_training.meter.agreement import report

    config.sets.need_one()
    print(report(config.models_dir, config.sets.folders(), config.landmarks, config.record))


def evaluate_outputs(config: OutputsConfig) -> None:
    """Measure realism, and what becomes of neutral faces."""
    import cv2

    from app.pipeline import Neutralizer
    from app.settings import Settings
    from model_training.evaluation import datasets, outputs

    def service(**options: object) -> Neutralizer:
        chosen = {"models_dir": config.models_dir, "default_model": config.model}
        return Neutralizer.build(Settings.model_validate({**chosen, "warm_up": False, **options}))

    cases = datasets.lfw(config.lfw, config.landmarks, people=config.people).cases[: config.limit]
    london = datasets.london(config.london).cases
    neutral = [case.neutral for case in london if case.neutral is not None]
    with tqdm(total=len(cases), desc="outputs") as bar:
        measured, sheet = outputs.measure(service, cases, neutral, bar.update)
    report = {"model": config.model, **measured}
    picture = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1].tobytes()
    with atomic_path(config.out / f"{config.model}-outputs.png") as temporary:
        temporary.write_bytes(picture)
    write_json(report, config.out / f"{config.model}-outputs.json")
    print(json.dumps(report, indent=2))


def evaluate_eyes(config: EyesConfig) -> None:
    """Count the eyes that are opened."""
    from app.faces.detector import FaceDetector
    from model_training.evaluation import opened_eyes, unseen_sheet
    from model_training.evaluation.cache import Cache
    from model_training.evaluation.choice import choose_system
    from model_training.evaluation.instruments import Instruments
    from model_training.evaluation.views import EyeFinder
    from model_training.portraits.landmarks import LandmarkTable

    table = LandmarkTable.load(config.landmarks)
    faces = opened_eyes.unseen_faces(
        config.data, table, list(config.sets), config.open_faces, TRAINED
    )
    system = choose_system(config.model, config.models_dir)
    stored = Cache(config.cache)
    finder = EyeFinder(FaceDetector(), stored)
    with (
        Instruments(stored, sface=False) as instruments,
        tqdm(total=len(faces), desc="eyes", unit="face") as bar,
    ):
        outcomes = opened_eyes.measure(faces, system, finder, instruments, bar.update)
    print(json.dumps(opened_eyes.summary(outcomes), indent=2))
    if config.sheet is not None:
        page = opened_eyes.draw(outcomes, system, finder, config.size, config.count)
        with atomic_path(config.sheet) as temporary:
            temporary.write_bytes(unseen_sheet.encode(page))


def evaluate_sheet(config: SheetConfig) -> None:
    """Draw people who are in no training set."""
    from model_training.evaluation import unseen_sheet
    from model_training.evaluation.choice import choose_system, load_dataset

    found = [load_dataset(DataConfig(str(folder))) for folder in config.data]
    chosen = unseen_sheet.one_a_person(found, config.count)
    system = choose_system(config.model, config.models_dir)
    with tqdm(total=sum(len(d.cases) for d in chosen), desc="people", unit="face") as bar:
        shown = unseen_sheet.measure(chosen, system, config.cache, bar.update)
    page = unseen_sheet.draw(shown, system, config.cache, config.size)
    with atomic_path(config.out) as temporary:
        temporary.write_bytes(unseen_sheet.encode(page))
    print(f"{len(shown)} people on {config.out}, worst first")


def figures(config: FiguresConfig) -> None:
    """Draw the paper's figures with a trained `classic`."""
    from model_training.classic.train import load_result
    from model_training.evaluation.classic_figures import figure_2, figure_3
    from model_training.evaluation.datasets import pairs as pair_cases

    out = config.out
    try:
        net, _ = load_result(config.weights, config.neutralizer, config.sharpen)
        cases = pair_cases(config.pairs, facts=[config.facts]).cases
        cases = [case for case in cases if "sex" in case.labels]
        names = figure_3(net, cases, out / "classic-figure-3.png")
        people = list({case.person: case for case in cases}.values())[:6]
        figure_2(net, people, out / "classic-figure-2.png")
    except ValueError as error:
        raise InputError(str(error)) from error
    print(f"wrote classic-figure-2.png and -3.png to {out}; figure 3: {', '.join(names)}")


def results_doc(config: ResultsConfig) -> None:
    """Write the document, or compare.

    Raises:
        SystemExit: with 1, they do not agree.
    """
    from model_training.evaluation.report.document import differences, load_results, render

    if config.check:
        wrong = differences(config.results, config.document)
        if wrong:
            print(wrong, file=sys.stderr)
            raise SystemExit(1)
        return
    config.document.write_text(render(load_results(config.results)), encoding="utf-8")
