"""What the command line does for `classic`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from app.faces.meter import load_meter
from app.inference.runtime import RuntimeOptions
from model_training.classic.config import (
    ClassicExportConfig,
    ClassicTrainingConfig,
    NeutralizerTrainingConfig,
    TeacherPairsConfig,
)
from model_training.classic.export import export_classic, export_neutralizer
from model_training.classic.latents import encode_pairs
from model_training.classic.networks import ClassicNet
from model_training.classic.networks.exported import ExportedClassic, put_neutralizer
from model_training.classic.pair_sets import london_pairs, pairs_in_cache
from model_training.classic.perceptual import require_packages
from model_training.classic.recipe import (
    EXTENDED,
    RECIPES,
    ClassicRecipe,
    parse_settings,
    with_options,
)
from model_training.classic.sources import open_pairs, prepare
from model_training.classic.stage3 import fit_neutralizers
from model_training.classic.teacher_pairs import photographs, write_teacher_pairs
from model_training.classic.train import load_result, show_neutralizers, train_classic
from model_training.errors import InputError
from model_training.portraits.crops import build_crops
from model_training.portraits.image_sets import london_images
from model_training.portraits.locate import make_locator
from model_training.runs.compute import Compute, find_device
from model_training.runs.config import Pace
from model_training.runs.manifest import update_manifest
from model_training.runs.start import start


@contextmanager
def _said_in_one_line() -> Iterator[None]:
    """Settings, pairs and images that do not fit are ValueErrors and TypeErrors here."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from error


def prepare_pairs(config: TeacherPairsConfig) -> None:
    """Write the pairs, and say how many photographs gave one."""
    images = photographs(config.photos, config.dataset)
    meter = load_meter(config.models, RuntimeOptions())
    if meter is None:
        raise InputError(f"{config.models} holds no meter")
    locator = make_locator(config.landmarks)
    count = write_teacher_pairs(
        images, config.results, meter.read_crop, locator, config.size, config.out
    )
    print(f"wrote {count} pairs of {len(images)} photographs to {config.out}")


@_said_in_one_line()
def train(config: ClassicTrainingConfig) -> None:
    """Train all three stages, or go on with them."""
    recipe = with_options(RECIPES[config.recipe], **parse_settings(config.settings))
    require_packages(recipe.perceptual)
    with start(config.compute, config.out, config.threads) as (compute, workers):
        with workers.main_first():
            crops, pair_sets = prepare(config.sources, recipe.network.image_size, config.out)
        if workers.main:
            print(
                f"{len(crops)} crops ({int(crops.validation.sum())} of validation people), "
                f"{sum(len(s) for s in pair_sets)} pairs"
            )
        result = train_classic(
            crops,
            pair_sets,
            recipe,
            config.out,
            compute=compute,
            pace=config.pace,
            sheet_epochs=config.sheet_epochs,
            start_from=config.start_from,
            recogniser=config.recogniser,
            workers=workers,
        )
    if workers.main:
        command = "python -m model_training export classic"
        print(f"wrote {result}; export it with: {command} {result}")


@_said_in_one_line()
def train_neutralizer(config: NeutralizerTrainingConfig) -> None:
    """Fit stage 3 to any pairs, and put it into the exported graph if that is what was given."""
    name, out, weights = config.name, config.out, config.weights
    place = find_device(config.device.device)
    net: ClassicNet | ExportedClassic
    if weights.is_dir():
        net, recipe = ExportedClassic(weights), EXTENDED
    else:
        net, stored = load_result(weights)
        net = net.to(place)
        recipe = ClassicRecipe.from_dict(stored["recipe"])
    recipe = with_options(recipe, stage3_epochs=config.epochs)
    eyes = make_locator(config.landmarks)
    locator = eyes if config.align_pairs else None
    sets = [
        open_pairs(folder, net.config.image_size, out / f"{name}-crops-{number}", locator)
        for number, folder in enumerate(config.pairs)
    ]
    if config.london is not None:
        faces = london_images(config.london)
        cache = build_crops(faces, eyes, net.config.image_size, out / "london")
        sets.append(pairs_in_cache(cache, london_pairs(faces)))
    out.mkdir(parents=True, exist_ok=True)
    latents = encode_pairs(
        net, sets, place, share=recipe.pair_share, share_people=config.share_people
    )
    fit = fit_neutralizers(latents, recipe, out, name, Pace(), compute=Compute(place))
    chosen = fit.neutralizers[config.solution]
    show_neutralizers(net, fit, sets, out / f"{name}-sheet.png", place)
    file = export_neutralizer(chosen, out / f"neutralizer-{name}.onnx")
    if weights.is_dir():
        model = out / "models" / "classic"
        model.mkdir(parents=True, exist_ok=True)
        version = put_neutralizer(weights / "fused.onnx", chosen, model / "fused.onnx", name)
        sides = (net.config.image_size,)
        update_manifest(
            out / "models", "classic", ["fused.onnx"], version=version, crop_sizes=sides
        )
    print(json.dumps(fit.report["l_ntr_held_out"], indent=2))
    print(f"wrote {file}")


@_said_in_one_line()
def export(config: ClassicExportConfig) -> None:
    """Write the five files."""
    network, stored = load_result(config.weights, config.neutralizer, config.sharpen)
    figures = json.loads(config.quality.read_text()) if config.quality else None
    for file in export_classic(network, config.models, config.version, stored["datasets"], figures):
        print(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
