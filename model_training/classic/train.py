"""Train `classic`: three stages (and `extended`'s joint one), one call, resumable at any moment.

OUT/crops/                     aligned crops, made once
OUT/stage1.pt, joint.pt, ...   checkpoints; CSV and curves beside them under the same names
OUT/sheets/                    what validation faces look like
OUT/stage3.json                both neutralizers and the controls, measured
OUT/classic.pt                 the result: weights, recipe and report
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model_training.classic import joint
from model_training.classic import stage1 as classic_stage1
from model_training.classic import stage2 as classic_stage2
from model_training.classic.context import SHEET_IMAGES, ClassicContext, spread
from model_training.classic.joint import joint_stage, train_joint
from model_training.classic.latents import encode_pairs
from model_training.classic.networks import ClassicConfig, ClassicNet, Neutralizer
from model_training.classic.networks.exported import ExportedClassic
from model_training.classic.networks.pixels import to_network
from model_training.classic.pair_sets import PairSet, resize
from model_training.classic.recipe import ClassicRecipe
from model_training.classic.recogniser import Recogniser
from model_training.classic.sheets import neutralization_sheet
from model_training.classic.stage1 import stage1, train_stage1
from model_training.classic.stage2 import stage2, train_stage2
from model_training.classic.stage3 import NeutralizerFit, fit_neutralizers
from model_training.classic.warm_start import load_exported
from model_training.portraits.crops import CropCache
from model_training.runs.checkpoint import (
    CheckpointError,
    load_checkpoint,
    restore,
    save_checkpoint,
)
from model_training.runs.compute import Compute
from model_training.runs.config import Pace
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.loop import Stage, finished
from model_training.runs.schedules import plot_schedules

RESULT = "classic.pt"


def train_classic(
    data: CropCache,
    pairs: Sequence[PairSet],
    recipe: ClassicRecipe,
    out: Path,
    *,
    compute: Compute,
    pace: Pace | None = None,
    sheet_epochs: int = 5,
    start_from: Path | None = None,
    recogniser: Path | None = None,
    workers: Workers = ALONE,
) -> Path:
    """Run all stages, each from its checkpoint, and write `OUT/classic.pt`.

    Args:
        data: crops at the recipe's image size.
        pairs: sets of pairs for stage 3.
        recipe: every hyper-parameter.
        out: folder of the run.
        compute: device, and precision of stages 1 and 2; stage 3 is float32.
        pace: how often to log and save.
        sheet_epochs: epochs between reconstruction sheets.
        start_from: folder of exported files that take stage 1's place.
        recogniser: file of the recogniser that the joint stage asks.
        workers: the processes that train together; the main one writes.

    Returns:
        The path of the result.

    Raises:
        CheckpointError: `out` holds a run with other settings.
        ValueError: crops of the wrong size, no pairs, or a joint stage without a recogniser.
    """
    size = recipe.network.image_size
    if data.crops.shape[1] != size:
        raise ValueError(f"the crops are {data.crops.shape[1]} px, the recipe wants {size}")
    if not pairs:
        raise ValueError("stage 3 needs at least one set of pairs")
    judge = _judge(recipe, recogniser, len(pairs))
    torch.manual_seed(recipe.seed)
    net = ClassicNet(recipe.network)
    compute.place(net)
    context = ClassicContext(
        *(recipe, net, data, out, compute, pace or Pace(), sheet_epochs, workers, pairs)
    )
    device = compute.device
    out.mkdir(parents=True, exist_ok=True)
    if workers.main:
        kl, gan = recipe.kl_schedule(), recipe.gan_schedule()
        plot_schedules({"w_kl, stage 1": kl}, recipe.stage1_epochs, out / "w_kl.png")
        plot_schedules({"w_g, stage 2": gan}, recipe.stage2_epochs, out / "w_g.png")
    if start_from is None:
        _stage(context, stage1(context), classic_stage1.PARTS, train_stage1)
    else:
        batches = context.batches(1)
        load_exported(net, start_from, [context.to_device(batches.at(k)) for k in range(8)])
    if judge is not None:
        asked = judge
        _stage(context, joint_stage(context), joint.PARTS, lambda c: train_joint(c, asked))
    learnt = {name: t.clone() for name, t in net.neutralizer.state_dict().items()}
    _stage(context, stage2(context), classic_stage2.PARTS, train_stage2)
    latents = encode_pairs(
        net, pairs, device, workers, share=recipe.pair_share, share_people=recipe.share_people
    )
    fit = fit_neutralizers(latents, recipe, out, "stage3", context.pace, workers, compute)
    if judge is not None:
        fit.neutralizers["joint"] = Neutralizer(recipe.network.latent)
        fit.neutralizers["joint"].load_state_dict(learnt)
    if not workers.main:
        return out / RESULT
    show_neutralizers(net, fit, pairs, out / "sheets" / "stage3.png", device)
    net.neutralizer.load_state_dict(fit.neutralizers[recipe.neutralizer].state_dict())
    shown = {key.split("/", 1)[0] for key in data.keys}
    datasets = sorted(shown.union(*(s.datasets for s in pairs)))
    save_result(out / RESULT, net, recipe, fit, datasets)
    return out / RESULT


def _judge(recipe: ClassicRecipe, file: Path | None, sets: int) -> Recogniser | None:
    """What the joint stage asks, if there is one; what is missing is said before any training."""
    if not recipe.joint_steps:
        return None
    if file is None:
        raise ValueError("the joint stage needs --recogniser; --set joint_steps=0 goes without")
    if recipe.pair_shares and len(recipe.pair_shares) != sets:
        given = len(recipe.pair_shares)
        raise ValueError(f"pair_shares has {given} numbers for {sets} sets of pairs")
    return Recogniser(file)


def _stage(
    context: ClassicContext,
    stage: Stage,
    parts: tuple[str, ...],
    train: Callable[[ClassicContext], None],
) -> None:
    """Take a finished stage's networks from its checkpoint, or train it."""
    if finished(stage):
        restore(load_checkpoint(stage.checkpoint), network=context.net.parts(*parts))
    else:
        train(context)


def show_neutralizers(
    net: ClassicNet | ExportedClassic,
    fit: NeutralizerFit,
    pairs: Sequence[PairSet],
    file: Path,
    device: torch.device,
) -> None:
    """Draw held-out pairs of the first set: source, reconstruction, sgd, ridge, target."""
    first = pairs[0]
    rows = spread(np.flatnonzero(first.held_out), SHEET_IMAGES)
    if not len(rows):
        return

    def crops(chosen: np.ndarray) -> torch.Tensor:
        config = net.config
        images = np.stack([resize(i, config.image_size) for i in first.images[chosen]])
        return to_network(torch.from_numpy(images).to(device), config.channels)

    networks = {name: network.to(device) for name, network in fit.neutralizers.items()}
    neutralization_sheet(net, networks, crops(first.source[rows]), crops(first.target[rows]), file)
    for network in networks.values():
        network.cpu()


def save_result(
    file: Path, net: ClassicNet, recipe: ClassicRecipe, fit: NeutralizerFit, datasets: list[str]
) -> None:
    """Write the networks, both neutralizers, the recipe, stage 3's report and the sets' names."""
    save_checkpoint(
        file,
        network=net,
        neutralizers={name: n.state_dict() for name, n in fit.neutralizers.items()},
        recipe=recipe.to_dict(),
        report=fit.report,
        datasets=datasets,
    )


def load_result(
    file: Path, neutralizer: str | None = None, sharpen: float | None = None
) -> tuple[ClassicNet, dict[str, Any]]:
    """Read `classic.pt`: the networks in evaluation mode on the CPU, and everything stored.

    Args:
        file: what `train_classic` wrote.
        neutralizer: `sgd` or `ridge` instead of the recipe's choice.
        sharpen: strength of the sharpening filter instead of the recipe's.

    Raises:
        CheckpointError: the file is not a trained `classic`.
    """
    stored = load_checkpoint(file)
    if "recipe" not in stored or "neutralizers" not in stored:
        raise CheckpointError(f"{file} is not a finished training: classic.pt is")
    config = ClassicConfig.from_dict(stored["recipe"]["network"])
    net = ClassicNet(config if sharpen is None else replace(config, sharpen=sharpen))
    restore(stored, network=net)
    if neutralizer is not None:
        restore(stored["neutralizers"], **{neutralizer: net.neutralizer})
    return net.eval(), stored
