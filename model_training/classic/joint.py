"""The joint stage of `extended`: autoencoder and neutralizer learn from pairs of pictures.

The published third stage asks T(mu_e) to be mu_n while everything else is frozen, so the latent
space stays what an autoencoder made of it, and identity what a squared error left of it. Here the
picture of T(mu_e) is asked to be the neutral photograph, and to be recognised as its person; the
gradient reaches encoder, dense layer and decoder. Not in the paper, whose networks it leaves as
they are; T is still one dense layer, and stages 2 and 3 follow as published.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from model_training.classic import losses
from model_training.classic.context import ClassicContext
from model_training.classic.joint_pairs import PairBatch, PairBatches
from model_training.classic.networks import sample_latent
from model_training.classic.recogniser import Recogniser, recogniser_losses
from model_training.classic.sheets import write_sheet
from model_training.runs.loop import Stage, Steps, run_stage

PARTS = ("encoder", "neutralizer", "decoder")
STEPS_PER_EPOCH = 250
"""Between two measurements: pairs are drawn, not gone through."""
PAIRS = 16
"""Pairs a step; as many photographs are reconstructed beside them."""
FACE_COUNTS = 4.0
"""How much more an error in the middle of the face counts than one at the border of the crop."""
CALM = 8
"""Neutral faces of the pairs that go through T, too, and expressions that are reconstructed."""


def joint_stage(context: ClassicContext) -> Stage:
    """Name, length and settings."""
    recipe = context.recipe
    fields = (
        *("joint_steps", "joint_lr", "joint_w_kl", "w_r", "w_maps", "w_identity", "pair_shares"),
        *("flip", "seed", "network"),
    )
    settings = {k: v for k, v in recipe.to_dict().items() if k in fields}
    later = ("sharpen", "spectral_norm", "discriminator_dense")
    settings["network"] = {k: v for k, v in settings["network"].items() if k not in later}
    counts = {"images": len(context.batches(3).rows), "pairs": [len(s) for s in context.pairs]}
    return Stage(
        name="joint",
        out=context.out,
        settings={**settings, **counts},
        total_steps=recipe.joint_steps,
        steps_per_epoch=STEPS_PER_EPOCH,
        batch_size=2 * PAIRS,
    )


def train_joint(context: ClassicContext, recogniser: Recogniser) -> None:
    """Run the stage from its checkpoint, or from stage 1's weights."""
    step, optimizers = steps_of_joint(context, recogniser)
    torch.manual_seed(context.recipe.seed + 4)
    parts = {"network": context.net.parts(*PARTS), **optimizers}
    measure = _after_epoch(context, recogniser)
    run_stage(joint_stage(context), parts, step, measure, context.pace, context.workers)


def steps_of_joint(context: ClassicContext, recogniser: Recogniser) -> Steps:
    """One Adam for the three networks; the rate falls along half a cosine to a twentieth.

    Photographs and some of the pairs' sources are reconstructed (L_rec1 and L_kl, as in stage 1);
    T(mu_e) and T(mu_n) are drawn and compared to the neutral photograph where it is whole. The
    recogniser compares what is drawn of the sources.
    """
    recipe, net, workers = context.recipe, context.net, context.workers
    encoder, decoder = workers.parallel(net.encoder), workers.parallel(net.decoder)
    neutralizer = workers.parallel(net.neutralizer)
    images, drawn = context.batches(3), pair_batches(context)
    adam = context.adam(net.parts(*PARTS), recipe.joint_lr, beta1=0.9)
    context.compute.place(recogniser)
    emphasis = context.to_device(face_emphasis(recipe.network.image_size))

    def step(index: int) -> dict[str, Tensor | float]:
        done = index / max(1, recipe.joint_steps)
        rate = recipe.joint_lr * (0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2)
        rate *= min(1.0, (index + 1) / 100)
        for group in adam.param_groups:
            group["lr"] = rate
        pair = _on_device(context, drawn.at(index))
        photographs = context.to_device(images.at(index)[: len(pair.source)])
        count, calm = len(photographs), CALM // workers.count
        net.train()
        with context.compute.autocast():
            mu, logvar = encoder(torch.cat([photographs, pair.source, pair.target[:calm]]))
            z = sample_latent(mu.float(), logvar.float(), workers.normal_like)
            moved = neutralizer(z[count:]).split([len(pair.source), calm])
            decoded = decoder(torch.cat([z[:count], moved[0], z[count : count + calm], moved[1]]))
        few, seen = pair.target[:calm], pair.valid[:calm]
        wanted = torch.cat([photographs, pair.target, pair.source[:calm], few])
        whole = torch.ones_like(pair.valid[:1]).expand(count, -1, -1, -1)
        # Outside the photograph nothing is asked: the picture takes the border's place.
        shown = torch.lerp(wanted, decoded.float(), torch.cat([whole, pair.valid, seen, seen]))
        kl = losses.l_kl(mu, logvar)
        rec = ((shown - wanted).square() * emphasis).mean()
        judged = slice(count, len(wanted) - calm)
        with context.compute.autocast():
            maps, identity = recogniser_losses(recogniser, wanted[judged], shown[judged])
        loss = losses.l_dec(rec, recipe.w_r) + recipe.joint_w_kl * kl
        loss = loss + recipe.w_maps * maps + recipe.w_identity * identity
        adam.zero_grad()
        loss.backward()
        adam.step()
        return {
            "kl": kl.detach(),
            "rec": rec.detach(),
            "maps": maps.detach(),
            "identity": identity.detach(),
            "lr": rate,
        }

    return step, {"adam": adam}


def face_emphasis(size: int) -> Tensor:
    """Weights of the squared error, [1, 1, S, S] with mean 1: highest on the face."""
    place = (torch.arange(size) + 0.5) / size
    across, down = (place - 0.5) / 0.2, (place - 0.57) / 0.24
    bump = torch.exp(-0.5 * (down[:, None].square() + across[None].square()))
    weight = 1 + (FACE_COUNTS - 1) * bump
    return (weight / weight.mean())[None, None]


def pair_batches(context: ClassicContext, *, held_out: bool = False) -> PairBatches:
    """Pairs of training people, or of held-out ones."""
    recipe, config, pairs = context.recipe, context.recipe.network, context.pairs
    shares = recipe.pair_shares or (1.0,) * len(pairs)
    seed = recipe.seed * 10 + 4
    return PairBatches(
        *(pairs, shares, PAIRS, config.image_size, config.channels, seed),
        held_out=held_out,
        varied=not held_out,
    )


def _on_device(context: ClassicContext, batch: PairBatch) -> PairBatch:
    share = context.workers.share
    sent = (context.to_device(share(t)) for t in (batch.source, batch.target, batch.valid))
    return PairBatch(*sent)


def _after_epoch(
    context: ClassicContext, recogniser: Recogniser
) -> Callable[[int], dict[str, float]]:
    """Measure and draw four fixed batches of held-out pairs."""
    drawn = pair_batches(context, held_out=True)
    batches = [_on_device(context, drawn.at(k)) for k in range(4)]

    @torch.no_grad()
    def measure(epoch: int) -> dict[str, float]:
        net, sums, shown = context.net.eval(), torch.zeros(5), []
        for batch in batches:
            mu, _ = net.encoder(batch.source)
            both = net.decoder(torch.cat([mu, net.neutralizer(mu)]))
            same, moved = both.chunk(2)
            pasted = torch.lerp(batch.target, moved, batch.valid)
            errors = recogniser_losses(recogniser, batch.target, pasted)
            itself = recogniser_losses(recogniser, batch.source, same)
            rec = losses.l_rec1(batch.target, pasted)
            sums += torch.stack([rec, *errors, *itself]).cpu() / len(batches)
            shown.append([part[:4] for part in (batch.source, same, moved, batch.target)])
        net.train()
        rows = [torch.cat(column) for column in zip(*shown, strict=True)]
        write_sheet(rows, Path(context.out) / "sheets" / f"joint-{epoch:04d}.png")
        names = ("rec", "maps", "identity", "maps_same", "identity_same")
        return {f"val_{n}": float(v) for n, v in zip(names, sums, strict=True)}

    return measure
