"""Stage 3: with everything else frozen, the neutralizer learns from pairs, in two ways.

By SGD as published (Adam on L_Ntr, equation 11), and in closed form (`ridge`). Both are measured
on the same held-out people, beside doing nothing and answering with the mean neutral latent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_training.classic import losses
from model_training.classic.latents import LatentPairs
from model_training.classic.networks import Neutralizer
from model_training.classic.recipe import ClassicRecipe
from model_training.classic.ridge import fit_ridge, neutralizer_error
from model_training.runs.atomic import write_json
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.config import Pace
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.loop import Stage, Steps, run_stage

SOLUTIONS = ("sgd", "ridge")


@dataclass(frozen=True)
class NeutralizerFit:
    """What stage 3 found.

    Attributes:
        neutralizers: by solution (`SOLUTIONS`), on the CPU.
        report: counts, held-out L_Ntr of the solutions and controls, the lambdas' errors.
    """

    neutralizers: dict[str, Neutralizer]
    report: dict[str, Any]


def fit_neutralizers(
    pairs: LatentPairs,
    recipe: ClassicRecipe,
    out: Path,
    name: str,
    pace: Pace,
    workers: Workers = ALONE,
    compute: Compute = ON_CPU,
) -> NeutralizerFit:
    """Fit a neutralizer from latent pairs by SGD and in closed form, and report both.

    Args:
        pairs: latent means of source and target.
        recipe: stage 3's part of it.
        out: the run's folder; `NAME.json` is written there, and SGD's checkpoint and curves.
        name: of the transformation, for instance `stage3` or `glasses`.
        pace: how often SGD logs and saves.
        workers: share SGD's batches; each solves the closed form, which takes seconds.
        compute: SGD's device; it computes in float32, and the closed form in float64 on the CPU.
    """
    fitted, measured = pairs.select(~pairs.held_out), pairs.select(pairs.held_out)
    by_sgd = train_sgd(fitted, recipe, out, name, pace, workers, compute)
    ridge = fit_ridge(
        fitted.source.astype(np.float64),
        fitted.target.astype(np.float64),
        fitted.people,
        folds=recipe.ridge_folds,
        stretched=recipe.ridge_stretch,
    )
    in_closed_form = _as_network(ridge.weight, ridge.bias)
    report = {
        "pairs": len(pairs),
        "people": len(set(pairs.people)),
        "held_out_pairs": len(measured),
        "held_out_people": len(set(measured.people)),
        "ridge_lambda": ridge.chosen,
        "ridge_stretch": ridge.stretch,
        "ridge_cross_validated": {f"{k:.3g}": v for k, v in ridge.errors.items()},
        "l_ntr_fitted": _errors(fitted, fitted, by_sgd, in_closed_form),
        "l_ntr_held_out": _errors(measured, fitted, by_sgd, in_closed_form),
    }
    if workers.main:
        write_json(report, out / f"{name}.json")
    return NeutralizerFit({"sgd": by_sgd, "ridge": in_closed_form}, report)


def train_sgd(
    pairs: LatentPairs,
    recipe: ClassicRecipe,
    out: Path,
    name: str,
    pace: Pace,
    workers: Workers = ALONE,
    compute: Compute = ON_CPU,
) -> Neutralizer:
    """Train a neutralizer by minimising L_Ntr (11) with Adam, from its checkpoint if there is one.

    Latents are drawn in a new order every epoch; a last batch that is not full is left out.

    Returns:
        The neutralizer, on the CPU.
    """
    torch.manual_seed(recipe.seed + 3)
    network = Neutralizer(pairs.source.shape[1])
    if recipe.neutralizer_init == "published":
        network.init_published()
    network = network.to(compute.device)
    size = min(recipe.batch_size, len(pairs))
    steps = len(pairs) // size
    # The latents tell whether a checkpoint belongs to this encoder and these pairs.
    digest = hashlib.sha256(pairs.source.tobytes() + pairs.target.tobytes()).hexdigest()
    stage = Stage(
        name=name,
        out=out,
        settings={
            **{k: getattr(recipe, k) for k in ("batch_size", "stage3_epochs", "lr_neutralizer")},
            **{k: getattr(recipe, k) for k in ("beta1", "neutralizer_init", "seed")},
            "latents": digest,
        },
        total_steps=recipe.stage3_epochs * steps,
        steps_per_epoch=steps,
        batch_size=size,
    )
    step, optimizers = steps_of_sgd(pairs, recipe, network, compute, workers)
    parts = {"network": network, **optimizers}
    run_stage(stage, parts, step, lambda _: {}, pace, workers)
    return network.cpu()


def steps_of_sgd(
    pairs: LatentPairs,
    recipe: ClassicRecipe,
    network: Neutralizer,
    compute: Compute = ON_CPU,
    workers: Workers = ALONE,
) -> Steps:
    """Train `network`, which is on the device, on latents that are all there, too."""
    source, target = compute.send((torch.from_numpy(pairs.source), torch.from_numpy(pairs.target)))
    size = min(recipe.batch_size, len(pairs))
    steps = len(pairs) // size
    adam = torch.optim.Adam(network.parameters(), recipe.lr_neutralizer, (recipe.beta1, 0.999))
    move = workers.parallel(network)
    epoch_order: dict[int, Tensor] = {}

    def step(index: int) -> dict[str, Tensor | float]:
        epoch, place = divmod(index, steps)
        if epoch not in epoch_order:
            epoch_order.clear()
            order = np.random.default_rng([recipe.seed, 3, epoch]).permutation(len(pairs))
            (epoch_order[epoch],) = compute.send((torch.from_numpy(order),))
        rows = workers.share(epoch_order[epoch][place * size : (place + 1) * size])
        loss = losses.l_ntr(move(source[rows]), move(target[rows]), target[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
        return {"l_ntr": loss.detach()}

    return step, {"adam_neutralizer": adam}


def _as_network(weight: np.ndarray, bias: np.ndarray) -> Neutralizer:
    network = Neutralizer(len(bias))
    with torch.no_grad():
        network.dense.weight.copy_(torch.from_numpy(weight))
        network.dense.bias.copy_(torch.from_numpy(bias))
    return network


def _errors(
    pairs: LatentPairs, fitted: LatentPairs, sgd: Neutralizer, ridge: Neutralizer
) -> dict[str, float]:
    """L_Ntr on `pairs` of both solutions and of two controls; empty without pairs."""
    if not len(pairs):
        return {}
    size = pairs.source.shape[1]
    affine = {
        "unchanged": (np.eye(size), np.zeros(size)),
        "mean_neutral": (np.zeros((size, size)), fitted.target.mean(0, dtype=np.float64)),
    }
    for name, network in (("sgd", sgd), ("ridge", ridge)):
        dense = network.dense
        affine[name] = (
            dense.weight.detach().numpy().astype(np.float64),
            dense.bias.detach().numpy().astype(np.float64),
        )
    source, target = pairs.source.astype(np.float64), pairs.target.astype(np.float64)
    return {name: neutralizer_error(w, b, source, target) for name, (w, b) in affine.items()}
