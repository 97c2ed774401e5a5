"""Stage 2: adversarial. The discriminator sees photographs, decoded and enhanced images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model_training.classic import losses
from model_training.classic.context import ClassicContext
from model_training.classic.joint import joint_stage
from model_training.classic.networks import sample_latent
from model_training.classic.perceptual import l_perceptual
from model_training.classic.stage1 import PARTS as STAGE1_PARTS
from model_training.classic.stage1 import stage1
from model_training.runs.loop import Stage, Steps, run_stage

PARTS = (*STAGE1_PARTS, "discriminator")


def stage2(context: ClassicContext) -> Stage:
    """Name, length and settings of stage 2; stage 1's are part of them."""
    recipe, batches = context.recipe, context.batches(2)
    fields = (
        *("stage2_epochs", "lr_discriminator", "w_g", "w_g_ramp", "rec2_reference"),
        *("stage2_trains_vae", "instance_noise", "perceptual", "perceptual_weight"),
    )
    settings = {k: v for k, v in recipe.to_dict().items() if k in fields}
    network = recipe.network
    if recipe.lr_enhancer:
        settings["lr_enhancer"] = recipe.lr_enhancer
    settings["discriminator"] = [network.spectral_norm, network.discriminator_dense]
    if recipe.joint_steps:
        settings = {**joint_stage(context).settings, **settings}
    return Stage(
        name="stage2",
        out=context.out,
        settings={**stage1(context).settings, **settings},
        total_steps=recipe.stage2_epochs * batches.steps_per_epoch,
        steps_per_epoch=batches.steps_per_epoch,
        batch_size=batches.batch_size,
    )


def train_stage2(context: ClassicContext) -> None:
    """Run stage 2 from its checkpoint or from stage 1's weights."""
    step, optimizers = steps_of_stage2(context)
    torch.manual_seed(context.recipe.seed + 2)
    measure = context.after_epoch("stage2", context.recipe.stage2_epochs)
    parts = {"network": context.net.parts(*PARTS), **optimizers}
    run_stage(stage2(context), parts, step, measure, context.pace, context.workers)


def steps_of_stage2(context: ClassicContext) -> Steps:
    """Train the enhancer with L_Enh (10) against the discriminator with L_Dis (6).

    Encoder and decoder go on with L_Enc and L_Dec at the final W_kl, unless the recipe freezes
    them.
    """
    recipe, net, workers = context.recipe, context.net, context.workers
    batches = context.batches(2)
    parts = {
        "adam_encoder": (net.encoder, recipe.lr),
        "adam_decoder": (net.decoder, recipe.lr),
        "adam_enhancer": (net.enhancer, recipe.lr_enhancer or recipe.lr),
        "adam_discriminator": (net.discriminator, recipe.lr_discriminator),
    }
    optimizers: dict[str, torch.optim.Optimizer] = {
        name: context.adam(part, lr) for name, (part, lr) in parts.items()
    }
    enhancer, discriminator = workers.parallel(net.enhancer), workers.parallel(net.discriminator)
    encoder: nn.Module = net.encoder
    decoder: nn.Module = net.decoder
    if recipe.stage2_trains_vae:
        encoder, decoder = workers.parallel(encoder), workers.parallel(decoder)
    schedule, frozen_features = recipe.gan_schedule(), context.perceptual_features()
    perceptual = frozen_features if frozen_features is not None else net.discriminator
    vae_weights = [*net.encoder.parameters(), *net.decoder.parameters()]

    def noisy(image: Tensor, deviation: float) -> Tensor:
        if deviation == 0.0:
            return image
        return image + deviation * workers.normal_like(image)

    def step(index: int) -> dict[str, Tensor | float]:
        image = context.to_device(batches.at(index))
        epoch = index / batches.steps_per_epoch
        w_g, deviation = schedule.at(epoch), recipe.noise_at(epoch)
        net.train()
        net.encoder.train(recipe.stage2_trains_vae)
        net.decoder.train(recipe.stage2_trains_vae)
        with context.compute.autocast():
            mu, logvar = encoder(image)
            decoded = decoder(sample_latent(mu.float(), logvar.float(), workers.normal_like))
            fixed = decoded.detach()
            enhanced = enhancer(fixed)
            judged = noisy(enhanced, deviation)
            score_enhanced = discriminator(judged)
            score_real = discriminator(noisy(image, deviation))
            score_decoded = discriminator(noisy(fixed, deviation))
            kl, rec1 = losses.l_kl(mu, logvar), losses.l_rec1(image, decoded)
            rec2 = losses.l_rec2(image if recipe.rec2_reference == "input" else fixed, enhanced)
            gan = losses.l_gan(score_enhanced)
            enh = losses.l_enh(rec2, gan, w_g)
            dis = losses.l_dis(score_real, score_decoded, score_enhanced)
            vae = recipe.w_kl * kl + losses.l_dec(rec1, recipe.w_r)
            if recipe.perceptual != "none":
                enh = enh + recipe.perceptual_weight * l_perceptual(perceptual, image, enhanced)
            if frozen_features is not None and recipe.perceptual_trains_vae:
                term = l_perceptual(frozen_features, image, decoded)
                vae = vae + recipe.perceptual_weight * term
        for optimizer in optimizers.values():
            optimizer.zero_grad()
        # The scores' graph is shared: each loss fills the gradients of its own networks alone.
        enh.backward(inputs=list(net.enhancer.parameters()), retain_graph=True)
        dis.backward(inputs=list(net.discriminator.parameters()))
        if recipe.stage2_trains_vae:
            vae.backward(inputs=vae_weights)
        for optimizer in optimizers.values():
            optimizer.step()
        return {
            "kl": kl.detach(),
            "rec1": rec1.detach(),
            "rec2": rec2.detach(),
            "gan": gan.detach(),
            "l_enh": enh.detach(),
            "l_dis": dis.detach(),
            "d_real": score_real.float().mean().detach(),
            "d_decoded": score_decoded.float().mean().detach(),
            "d_enhanced": score_enhanced.float().mean().detach(),
            "w_g": w_g,
        }

    return step, optimizers
