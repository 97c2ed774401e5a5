"""`python -m model_training evaluate ...`: measure a model, a service or a folder of outputs."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from model_training.evaluation.figures_cli import figures_command
from model_training.evaluation.grade_commands import grade, grade_table, teeth
from model_training.evaluation.grade_config import GradeConfig, GradeTableConfig, TeethConfig
from model_training.evaluation.opened_eyes_cli import evaluate_eyes_command
from model_training.evaluation.outputs_cli import evaluate_outputs_command
from model_training.evaluation.unseen_sheet_cli import evaluate_sheet_command


def register(app: typer.Typer) -> None:
    """Add this package's commands."""
    app.command("evaluate")(evaluate_command)
    app.command("evaluate-check")(evaluate_check_command)
    app.command("evaluate-meter")(evaluate_meter_command)
    app.command("evaluate-outputs")(evaluate_outputs_command)
    app.command("evaluate-eyes")(evaluate_eyes_command)
    app.command("evaluate-sheet")(evaluate_sheet_command)
    for name, config, run in (
        ("evaluate-grade", GradeConfig, grade),
        ("evaluate-grades", GradeTableConfig, grade_table),
        ("evaluate-teeth", TeethConfig, teeth),
    ):
        _from_config(app, name, config, run)
    app.command("figures")(figures_command)
    app.command("results-doc")(results_doc_command)


def _from_config(app: typer.Typer, name: str, config: type[Any], run: Any) -> None:
    """A command whose options are the fields of a dataclass."""
    from pydantic import TypeAdapter

    def command(**given: Any) -> None:
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        try:
            run(TypeAdapter(config).validate_python(values))
        except (ValueError, OSError) as error:
            raise typer.BadParameter(str(error)) from error

    parameters = []
    for field in fields(config):
        kind: Any = get_type_hints(config)[field.name]
        if get_origin(kind) is tuple:
            kind = list[get_args(kind)[0]]  # type: ignore[misc]
        default = Parameter.empty if field.default is MISSING else field.default
        option = Annotated[kind, typer.Option()]
        parameters.append(
            Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=option)
        )
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    app.command(name, help=run.__doc__)(command)


def evaluate_command(
    model: Annotated[
        list[str],
        typer.Option(help="photo, classic, ... of the models folder, or no-op; repeatable"),
    ],
    data: Annotated[str, typer.Option(help="london lfw pairs manifest ckplus yale; or a path")],
    london: Annotated[Path | None, typer.Option(help="folder with neutral/ and smiling/")] = None,
    lfw: Annotated[Path | None, typer.Option(help="folder with NAME/NAME_0001.jpg")] = None,
    landmarks: Annotated[Path | None, typer.Option(help="landmarks.npz of the data")] = None,
    lfw_labels: Annotated[Path | None, typer.Option(help="emotion labels, CSV")] = None,
    folder: Annotated[Path | None, typer.Option(help="data of the other layouts")] = None,
    facts: Annotated[
        list[Path] | None, typer.Option(help="CSV about the people of pairs; repeatable")
    ] = None,
    people: Annotated[str, typer.Option(help="validation, training or all")] = "validation",
    models_dir: Annotated[Path, typer.Option(help="where models live")] = Path("onnx_models"),
    service: Annotated[str | None, typer.Option(help="measure a running service, by URL")] = None,
    token: Annotated[str | None, typer.Option(envvar="STOICNET_TOKEN")] = None,
    outputs: Annotated[Path | None, typer.Option(help="measure a folder of ready outputs")] = None,
    strength: Annotated[float, typer.Option(min=0, max=1)] = 1.0,
    openface: Annotated[
        Path | None, typer.Option(help="pictures for OpenFace go here, its CSVs come from here")
    ] = None,
    sface: Annotated[
        bool, typer.Option(help="measure by SFace too; not for models with SFace in a loss")
    ] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="only so many cases")] = None,
    publish: Annotated[
        Path | None, typer.Option(help="also put the JSON here (docs/results) for results-doc")
    ] = None,
    called: Annotated[
        str | None, typer.Option(help="call the data set this in reports and file names")
    ] = None,
    out: Annotated[Path, typer.Option(help="reports and cache go here")] = Path("runs/evaluation"),
) -> None:
    """Print Tables 1 and 2 with controls; write JSON, HTML and picture sheets."""
    from tqdm import tqdm

    from model_training.evaluation import tables
    from model_training.evaluation.choice import choose_system, load_dataset
    from model_training.evaluation.evaluate import evaluate, save
    from model_training.evaluation.openface import PictureFolder
    from model_training.evaluation.results import write_json

    if len(model) > 1 and (service or outputs):
        raise typer.BadParameter("a service or a folder of outputs is one --model")

    dataset = load_dataset(data, people, london, lfw, landmarks, lfw_labels, folder, facts or ())
    if called is not None:
        dataset = replace(dataset, name=called)
    systems = [choose_system(m, models_dir, service, token, outputs, strength) for m in model]
    total = min(limit or len(dataset.cases), len(dataset.cases))
    documents = []
    with tqdm(total=total * len(systems), desc=dataset.name, unit="pair") as bar:

        def advance() -> None:
            bar.update()

        for system, warp in systems:
            result = evaluate(
                dataset,
                system,
                warp,
                out / "cache",
                advance,
                limit,
                openface=PictureFolder(openface) if openface else None,
                sface=sface,
            )
            place = out / f"{system.name}-{dataset.name}"
            save(result, place)
            if publish:
                write_json(result.document, publish / f"{place.name}.json")
            documents.append(result.document)
    for document in documents:
        typer.echo(printed(document))
        place = out / f"{document['model']}-{dataset.name}"
        typer.echo(f"\nwritten to {place}: report.html, worst.png, results.json, rows.json\n")
    if len(documents) > 1:
        typer.echo("Side by side\n" + tables.plain(tables.side_by_side(documents)))


def printed(document: dict[str, Any]) -> str:
    """The tables as text."""
    from model_training.evaluation import tables

    own = document["systems"][document["model"]]
    title = f"{document['model']} on {document['data']}: {own['cases']} cases"
    parts = [f"{title}, {own['people']} people"]
    parts.append("Table 1: expressiveness\n" + tables.plain(tables.table_1(document)))
    by_units = tables.table_1(document, action_units=True)
    if by_units[1]:
        parts.append("Table 1 by OpenFace's action units\n" + tables.plain(by_units))
    parts += [
        f"Table 2: identity ({tables.recogniser_title(name)})\n"
        + tables.plain(tables.table_2(document, name))
        for name in own["recognisers"]
    ]
    parts.append("Picture\n" + tables.plain(tables.picture_table(document)))
    parts.append("Mouth and outline\n" + tables.plain(tables.mouth_table(document)))
    parts.append("Slices\n" + tables.plain(tables.slice_table(document)))
    parts.append(tables.worst_sentence(document))
    parts += [f"left out: {case}: {why}" for case, why in document["facts"]["skipped"].items()]
    return "\n\n".join(part for part in parts if part)


def evaluate_check_command(
    london: Annotated[Path, typer.Option(help="folder with neutral/ and smiling/")],
    people: Annotated[str, typer.Option(help="validation, training or all")] = "validation",
    out: Annotated[Path, typer.Option(help="cache")] = Path("runs/evaluation"),
) -> None:
    """Check on real pictures that the controls come out as they must, in both views."""
    from model_training.evaluation import datasets
    from model_training.evaluation.control_check import broken_controls
    from model_training.evaluation.controls import NoOp
    from model_training.evaluation.evaluate import evaluate
    from model_training.evaluation.views import CropView, PhotoView, View

    views: tuple[View, ...] = (PhotoView(), CropView(112, grey=True))
    wrong = []
    for view in views:
        dataset = datasets.london(london, people)
        result = evaluate(dataset, NoOp(view), None, out / "cache", lambda: None, resamples=50)
        found = broken_controls(result.document)
        wrong += [f"{view.name}: {problem}" for problem in found]
        typer.echo(f"{view.name}: {len(dataset.cases)} pairs, {len(found)} problems")
    for problem in wrong:
        typer.echo(problem, err=True)
    if wrong:
        raise typer.Exit(1)


def evaluate_meter_command(
    landmarks: Annotated[Path, typer.Option(help="landmarks.npz of the image sets")],
    london: Annotated[Path | None, typer.Option(help="Face Research Lab London Set")] = None,
    canada: Annotated[Path | None, typer.Option(help="webmorphR.stim portraits")] = None,
    fairface: Annotated[Path | None, typer.Option(help="FairFace")] = None,
    lfw: Annotated[Path | None, typer.Option(help="LFW")] = None,
    models_dir: Annotated[Path, typer.Option(help="where models live")] = Path("onnx_models"),
    record: Annotated[bool, typer.Option(help="write the numbers into the manifest")] = False,
) -> None:
    """Agreement of the in-service meter with MediaPipe on validation people, set by set."""
    from model_training.meter.agreement import report

    given = {"london": london, "canada": canada, "fairface": fairface, "lfw": lfw}
    folders = {name: folder for name, folder in given.items() if folder is not None}
    typer.echo(report(models_dir, folders, landmarks, record))


def results_doc_command(
    results: Annotated[Path, typer.Option(help="folder of results JSON")] = Path("docs/results"),
    document: Annotated[Path, typer.Option(help="what is made of them")] = Path("docs/results.md"),
    check: Annotated[bool, typer.Option("--check", help="only say whether they agree")] = False,
) -> None:
    """Make docs/results.md from the JSON results, or check that it is what they give."""
    from model_training.evaluation.report.document import differences, load_results, render

    if check:
        wrong = differences(results, document)
        if wrong:
            typer.echo(wrong, err=True)
            raise typer.Exit(1)
        return
    document.write_text(render(load_results(results)), encoding="utf-8")
