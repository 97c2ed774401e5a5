"""`classic`: the networks of "Facial Expression Neutralization With StoicNet" (Carver & Nwogu).

Sizes follow the published figures and the authors' published code (github.com/willtc111/StoicNet);
no code is copied. Images are float tensors in [-1, 1], [B, C, S, S], grey (C = 1) by default.
"""

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.enhancer import Discriminator, Enhancer
from model_training.classic.networks.layers import Sharpen
from model_training.classic.networks.model import ClassicNet
from model_training.classic.networks.vae import Decoder, Encoder, Neutralizer, sample_latent

__all__ = [
    "ClassicConfig",
    "ClassicNet",
    "Decoder",
    "Discriminator",
    "Encoder",
    "Enhancer",
    "Neutralizer",
    "Sharpen",
    "sample_latent",
]
