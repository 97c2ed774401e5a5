"""`python -m model_training train neutralizer`: stage 3 for any transformation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from model_training.runs.compute_cli import Device


def register(train_app: typer.Typer) -> None:
    """Add `train neutralizer`."""
    train_app.command()(neutralizer)


def neutralizer(
    name: Annotated[str, typer.Argument(help="Of the transformation, for instance glasses.")],
    weights: Annotated[
        Path,
        typer.Option(exists=True, help="classic.pt of a training, or a folder of exported files."),
    ],
    pairs: Annotated[
        list[Path],
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder of pairs, source with and target without; repeatable.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    solution: Annotated[str, typer.Option(help="sgd (published) or ridge (closed form).")] = (
        "ridge"
    ),
    align_pairs: Annotated[
        bool, typer.Option(help="Pair files are photographs and must be cropped.")
    ] = False,
    landmarks: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    london: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="London's smiles, beside the pairs."),
    ] = None,
    device: Device = "auto",
    epochs: Annotated[int | None, typer.Option(help="Of SGD; by default the recipe's.")] = None,
    share_people: Annotated[
        bool, typer.Option(help="Fit pairs of people whom another set holds out (leaky split).")
    ] = False,
) -> None:
    """Learn another transformation of the latent space from pairs, everything else frozen.

    The paper notes that the neutralizer generalises (glasses, facial hair). Writes
    OUT/neutralizer-NAME.onnx (latent mu [B, Z] to mu [B, Z]), NAME.json with held-out errors of
    both solutions and of the controls, and a picture sheet. With a folder of exported files as
    weights (onnx_models/classic), `extended` is the recipe, and OUT/models is a models folder whose
    `classic` has this neutralizer, for `evaluate --models-dir` or the service.
    """
    from model_training.classic.export import export_neutralizer
    from model_training.classic.latents import encode_pairs
    from model_training.classic.networks import ClassicNet
    from model_training.classic.networks.exported import ExportedClassic, put_neutralizer
    from model_training.classic.pair_sets import london_pairs, pairs_in_cache
    from model_training.classic.recipe import EXTENDED, ClassicRecipe, with_options
    from model_training.classic.sources import open_pairs
    from model_training.classic.stage3 import SOLUTIONS, fit_neutralizers
    from model_training.classic.train import load_result, show_neutralizers
    from model_training.portraits.crops import build_crops
    from model_training.portraits.image_sets import london_images
    from model_training.portraits.locate import make_locator
    from model_training.runs.checkpoint import CheckpointError
    from model_training.runs.compute import Compute, find_device
    from model_training.runs.loop import Pace
    from model_training.runs.manifest import update_manifest

    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise typer.BadParameter("use lower-case letters, digits, - and _", param_hint="NAME")
    if solution not in SOLUTIONS:
        raise typer.BadParameter(f"one of {', '.join(SOLUTIONS)}", param_hint="--solution")
    try:
        place = find_device(device)
        net: ClassicNet | ExportedClassic
        if weights.is_dir():
            net, recipe = ExportedClassic(weights), EXTENDED
        else:
            net, stored = load_result(weights)
            net = net.to(place)
            recipe = ClassicRecipe.from_dict(stored["recipe"])
        recipe = with_options(recipe, stage3_epochs=epochs)
        eyes = make_locator(landmarks)
        locator = eyes if align_pairs else None
        sets = [
            open_pairs(folder, net.config.image_size, out / f"{name}-crops-{number}", locator)
            for number, folder in enumerate(pairs)
        ]
        if london is not None:
            faces = london_images(london)
            cache = build_crops(faces, eyes, net.config.image_size, out / "london")
            sets.append(pairs_in_cache(cache, london_pairs(faces)))
        out.mkdir(parents=True, exist_ok=True)
        latents = encode_pairs(net, sets, place, share=recipe.pair_share, share_people=share_people)
        fit = fit_neutralizers(latents, recipe, out, name, Pace(), compute=Compute(place))
    except (CheckpointError, ValueError, FileNotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    show_neutralizers(net, fit, sets, out / f"{name}-sheet.png", place)
    file = export_neutralizer(fit.neutralizers[solution], out / f"neutralizer-{name}.onnx")
    if weights.is_dir():
        model = out / "models" / "classic"
        model.mkdir(parents=True, exist_ok=True)
        chosen = fit.neutralizers[solution]
        version = put_neutralizer(weights / "fused.onnx", chosen, model / "fused.onnx", name)
        sides = (net.config.image_size,)
        update_manifest(
            out / "models", "classic", ["fused.onnx"], version=version, crop_sizes=sides
        )
    typer.echo(json.dumps(fit.report["l_ntr_held_out"], indent=2))
    typer.echo(f"wrote {file}")
