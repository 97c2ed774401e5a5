"""`classic`: the networks of "Facial Expression Neutralization With StoicNet" (Carver & Nwogu).

Sizes follow the published figures and the authors' published code (github.com/willtc111/StoicNet);
no code is copied. Images are float tensors in [-1, 1], [B, C, S, S], grey (C = 1) by default.
"""

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.decoder import Decoder
from model_training.classic.networks.discriminator import Discriminator
from model_training.classic.networks.encoder import Encoder
from model_training.classic.networks.enhancer import Enhancer
from model_training.classic.networks.model import ClassicNet
from model_training.classic.networks.neutralizer import Neutralizer
from model_training.classic.networks.sampling import sample_latent
from model_training.classic.networks.sharpen import Sharpen

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
