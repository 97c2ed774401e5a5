"""`classic`: the networks of "Facial Expression Neutralization With StoicNet" (Carver & Nwogu).

Sizes follow the published figures and the authors' published code (github.com/willtc111/StoicNet);
no code is copied. Images are float tensors in [-1, 1], [B, C, S, S], grey (C = 1) by default.
"""

from model_training.networks.classic.config import ClassicConfig
from model_training.networks.classic.decoder import Decoder
from model_training.networks.classic.discriminator import Discriminator
from model_training.networks.classic.encoder import Encoder
from model_training.networks.classic.enhancer import Enhancer
from model_training.networks.classic.model import ClassicNet
from model_training.networks.classic.neutralizer import Neutralizer
from model_training.networks.classic.sampling import sample_latent
from model_training.networks.classic.sharpen import Sharpen

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
