"""Stage 1: the variational autoencoder, with the enhancer as an extension of the decoder."""

from __future__ import annotations

import torch
from torch import Tensor

from model_training.classic import losses
from model_training.classic.context import ClassicContext
from model_training.classic.networks import sample_latent
from model_training.classic.perceptual import l_perceptual
from model_training.runs.loop import Stage, Steps, run_stage

PARTS = ("encoder", "decoder", "enhancer")


def stage1(context: ClassicContext) -> Stage:
    """Name, length and settings of stage 1."""
    recipe, batches = context.recipe, context.batches(1)
    fields = (
        *("batch_size", "stage1_epochs", "lr", "beta1", "w_kl", "w_kl_warmup", "w_r", "flip"),
        *("joint_enhancer", "seed", "network"),
    )
    settings = {k: v for k, v in recipe.to_dict().items() if k in fields}
    # The discriminator comes later, and the sharpening filter is not trained: other choices of
    # either can start from the same stage 1.
    later = ("sharpen", "spectral_norm", "discriminator_dense")
    settings["network"] = {k: v for k, v in settings["network"].items() if k not in later}
    if recipe.enhancer_every > 1:
        settings["enhancer_every"] = recipe.enhancer_every
    if recipe.perceptual == "efficientnet" and recipe.perceptual_trains_vae:
        settings["perceptual_weight"] = recipe.perceptual_weight
    return Stage(
        name="stage1",
        out=context.out,
        settings={**settings, "images": len(batches.rows)},
        total_steps=recipe.stage1_epochs * batches.steps_per_epoch,
        steps_per_epoch=batches.steps_per_epoch,
        batch_size=batches.batch_size,
    )


def train_stage1(context: ClassicContext) -> None:
    """Run stage 1 from its checkpoint or from nothing."""
    step, optimizers = steps_of_stage1(context)
    torch.manual_seed(context.recipe.seed + 1)
    measure = context.after_epoch("stage1", context.recipe.stage1_epochs)
    parts = {"network": context.net.parts(*PARTS), **optimizers}
    run_stage(stage1(context), parts, step, measure, context.pace, context.workers)


def steps_of_stage1(context: ClassicContext) -> Steps:
    """Train encoder, decoder and enhancer with L_Enc (5), L_Dec (3) and L_Enh (7)."""
    recipe, net, workers = context.recipe, context.net, context.workers
    batches = context.batches(1)
    optimizers: dict[str, torch.optim.Optimizer] = {
        "adam_encoder": context.adam(net.encoder, recipe.lr),
        "adam_decoder": context.adam(net.decoder, recipe.lr),
        "adam_enhancer": context.adam(net.enhancer, recipe.lr),
    }
    encoder, decoder = workers.parallel(net.encoder), workers.parallel(net.decoder)
    enhancer = workers.parallel(net.enhancer)
    schedule = recipe.kl_schedule()
    features = context.perceptual_features() if recipe.perceptual_trains_vae else None
    latest: dict[str, Tensor | float] = {"l_enh": float("nan")}

    def step(index: int) -> dict[str, Tensor | float]:
        image = context.to_device(batches.at(index))
        w_kl = schedule.at(index / batches.steps_per_epoch)
        net.train()
        with context.compute.autocast():
            mu, logvar = encoder(image)
            decoded = decoder(sample_latent(mu.float(), logvar.float(), workers.normal_like))
        kl, rec1 = losses.l_kl(mu, logvar), losses.l_rec1(image, decoded)
        dec = losses.l_dec(rec1, recipe.w_r)
        loss = w_kl * kl + dec
        trained = dict(optimizers)
        if index % recipe.enhancer_every == 0:
            with context.compute.autocast():
                enhanced = enhancer(decoded if recipe.joint_enhancer else decoded.detach())
            enh = losses.l_enh_stage1(image, enhanced)
            loss, latest["l_enh"] = loss + enh, enh.detach()
        else:
            del trained["adam_enhancer"]
        if features is not None:
            with context.compute.autocast():
                loss = loss + recipe.perceptual_weight * l_perceptual(features, image, decoded)
        for optimizer in trained.values():
            optimizer.zero_grad()
        # One backward pass gives the decoder's gradient of L_Dec, the enhancer's of L_Enh, and
        # the encoder's of 2 L_Enc, which the 2 does not change for Adam.
        loss.backward()
        for optimizer in trained.values():
            optimizer.step()
        return {
            "kl": kl.detach(),
            "rec1": rec1.detach(),
            "l_enc": losses.l_enc(kl, rec1, w_kl, recipe.w_r).detach(),
            "l_dec": dec.detach(),
            **latest,
            "w_kl": w_kl,
        }

    return step, optimizers
