"""The losses of "Facial Expression Neutralization With StoicNet", named as in the paper.

Equation numbers are the paper's. Where the printed form was not at hand, the formula is the one in
the authors' published code (github.com/willtc111/StoicNet, `Trainer.ipynb`,
`NeutralizeTrainer.ipynb`), and the docstring says so ("as in the published code"). Each network
is updated by its own loss alone: the encoder by L_Enc, the decoder by L_Dec, the enhancer by
L_Enh, the discriminator by L_Dis, the neutralizer by L_Ntr; their sum is equation 1.

Images are float [B, C, S, S] in [-1, 1], latents [B, Z], discriminator scores [B]. Every function
returns a scalar, computed in float32.
"""

from __future__ import annotations

from torch import Tensor


def _mse(a: Tensor, b: Tensor) -> Tensor:
    return (a.float() - b.float()).square().mean()


def l_rec1(image: Tensor, decoded: Tensor) -> Tensor:
    """L_rec1, equation 2: mean squared error of the decoded image.

    The mean over pixels and batch, as in the published code.
    """
    return _mse(image, decoded)


def l_dec(rec1: Tensor, w_r: float) -> Tensor:
    """L_Dec, equation 3: W_r * L_rec1 (published weight: 5)."""
    return w_r * rec1


def l_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """L_kl, equation 4: divergence of N(mu, exp(logvar)) from N(0, I).

    -1/2 * sum over the Z dimensions of (1 + logvar - mu^2 - exp(logvar)), mean over the batch.
    """
    mu, logvar = mu.float(), logvar.float()
    return (-0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1)).mean()


def l_enc(kl: Tensor, rec1: Tensor, w_kl: float, w_r: float) -> Tensor:
    """L_Enc, equation 5: (W_kl * L_kl + W_r * L_rec1) / 2.

    The halving is the published code's; Adam's step does not depend on it.
    """
    return (w_kl * kl + w_r * rec1) / 2


def l_dis(real: Tensor, decoded: Tensor, enhanced: Tensor) -> Tensor:
    """L_Dis, equation 6: least squares over three kinds of images.

    ((D(x) - 1)^2 + D(decoded)^2 + D(enhanced)^2) / 3, each the mean over the batch; the three
    terms and the factor as in the published code.

    Args:
        real: scores of photographs.
        decoded: scores of decoded images.
        enhanced: scores of enhanced images.
    """
    terms = (real.float() - 1).square().mean(), decoded.float().square().mean()
    return (terms[0] + terms[1] + enhanced.float().square().mean()) / 3


def l_enh_stage1(image: Tensor, enhanced: Tensor) -> Tensor:
    """L_Enh of stage 1, equation 7: mean squared error of the enhanced image to the input.

    The enhancer begins as an extension of the decoder: it learns to reconstruct the photograph.
    Inferred from that description; the published code's first epochs compare to the decoded image.
    """
    return _mse(image, enhanced)


def l_rec2(reference: Tensor, enhanced: Tensor) -> Tensor:
    """L_rec2, equation 8: mean squared error of the enhanced image to its reference.

    The published code's reference is the decoded image (so that the enhancer changes only what
    the discriminator asks for); its comments say that the input image was tried first.
    """
    return _mse(reference, enhanced)


def l_gan(enhanced: Tensor) -> Tensor:
    """L_gan, equation 9: (D(enhanced) - 1)^2, mean over the batch, as in the published code."""
    return (enhanced.float() - 1).square().mean()


def l_enh(rec2: Tensor, gan: Tensor, w_g: float) -> Tensor:
    """L_Enh of stage 2, equation 10: (1 - W_g) * L_rec2 + W_g * L_gan.

    The two weights sum to 1 as in the published code, where W_g is ramped up to 0.05.
    """
    return (1 - w_g) * rec2 + w_g * gan


def l_ntr(moved_source: Tensor, moved_target: Tensor, target: Tensor) -> Tensor:
    """L_Ntr, equation 11: T(mu_e) and T(mu_n) should both be mu_n.

    Sum of two mean squared errors over the batch and the Z dimensions, as in the published code.

    Args:
        moved_source: T(mu_e), the neutralized latent means of expressive faces.
        moved_target: T(mu_n), those of the same people's neutral faces.
        target: mu_n.
    """
    return _mse(moved_source, target) + _mse(moved_target, target)


def l_total(enc: Tensor, dec: Tensor, dis: Tensor, enh: Tensor, ntr: Tensor) -> Tensor:
    """L, equation 1: the sum of the five networks' losses."""
    return enc + dec + dis + enh + ntr
