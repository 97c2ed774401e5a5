"""Everything that decides a training of `classic`, and the named recipes."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from model_training.classic.config import ClassicConfig
from model_training.errors import UsageError
from model_training.runs.schedules import LinearRamp

PerceptualKind = Literal["none", "discriminator", "efficientnet"]


@dataclass(frozen=True)
class ClassicRecipe:
    """Hyper-parameters of the three stages; the defaults are the paper's.

    Values come from the paper and its authors' published code; DESIGN choices of ours are off.

    Attributes:
        network: sizes of the networks.
        batch_size: images (or pairs, in stage 3) a step.
        stage1_epochs: VAE and enhancer, without a discriminator.
        stage2_epochs: adversarial.
        stage3_epochs: neutralizer, by SGD.
        lr: learning rate of encoder, decoder and enhancer.
        lr_enhancer: the enhancer's own in stage 2; 0 goes on with `lr`.
        lr_discriminator: learning rate of the discriminator.
        lr_neutralizer: learning rate of the neutralizer.
        beta1: Adam's first decay rate.
        w_kl: final weight of L_kl.
        w_kl_warmup: epochs of stage 1 until it is reached.
        w_r: weight of L_rec1.
        w_g: final weight of L_gan against L_rec2.
        w_g_ramp: epochs of stage 2 until it is reached.
        rec2_reference: what L_rec2 compares the enhanced image to.
        joint_enhancer: let the enhancer's stage-1 loss train encoder and decoder too.
        enhancer_every: stage 1 trains the enhancer at every n-th step. Its loss reaches neither
            encoder nor decoder, so theirs is the same training, at a fraction of the cost.
        stage2_trains_vae: go on training encoder and decoder in stage 2.
        flip: mirror half of the images.
        instance_noise: deviation of noise on everything the discriminator sees, in [-1, 1] units,
            fading to 0 over stage 2.
        perceptual: features of a perceptual loss beside L_rec1 and L_Enh.
        perceptual_weight: its weight.
        perceptual_trains_vae: EfficientNet's features train encoder and decoder too, in stages 1
            and 2; otherwise the enhancer alone, in stage 2.
        joint_steps: steps of the joint stage between stages 1 and 2 (`joint`); 0 leaves it out.
        joint_lr: its learning rate at the beginning.
        joint_w_kl: weight of L_kl in it.
        w_maps: weight of the recogniser's maps in it.
        w_identity: weight of the recogniser's answer in it.
        pair_shares: how often each set of pairs is drawn in it, in the order of --pairs and then
            London's smiles; empty draws them alike.
        neutralizer: which the model uses: one of stage 3's two solutions, which are always made, or
            the joint stage's.
        neutralizer_init: `published` starts SGD from N(0, 0.02), `identity` from no change.
        pair_share: in stage 3 a set of pairs counts for at least this part of the largest one: the
            fitted pairs of a smaller set are repeated. 0 counts every pair once.
        share_people: fit pairs of people whom another set holds out, so that training and test
            share people as in the published split. For comparison only.
        share_images: stages 1 and 2 see the images of held-out people, too. For comparison only.
        ridge_stretch: lengthen the closed form's step to what people left out need (`ridge`).
        ridge_folds: folds of the person-grouped cross-validation.
        seed: of initial weights, data order and noise.
    """

    network: ClassicConfig = field(default_factory=ClassicConfig)
    batch_size: int = 32
    stage1_epochs: int = 100
    stage2_epochs: int = 50
    stage3_epochs: int = 100
    lr: float = 5e-5
    lr_enhancer: float = 0.0
    lr_discriminator: float = 1e-4
    lr_neutralizer: float = 1e-4
    beta1: float = 0.5
    w_kl: float = 0.003
    w_kl_warmup: float = 10
    w_r: float = 5.0
    w_g: float = 0.05
    w_g_ramp: float = 35
    rec2_reference: Literal["decoded", "input"] = "decoded"
    joint_enhancer: bool = False
    enhancer_every: int = 1
    stage2_trains_vae: bool = True
    flip: bool = False
    instance_noise: float = 0.0
    perceptual: PerceptualKind = "none"
    perceptual_weight: float = 0.0
    perceptual_trains_vae: bool = True
    joint_steps: int = 0
    joint_lr: float = 3e-4
    joint_w_kl: float = 2e-5
    w_maps: float = 0.1
    w_identity: float = 0.2
    pair_shares: tuple[float, ...] = ()
    neutralizer: Literal["sgd", "ridge", "joint"] = "sgd"
    neutralizer_init: Literal["published", "identity"] = "published"
    pair_share: float = 0.0
    share_people: bool = False
    share_images: bool = False
    ridge_stretch: bool = False
    ridge_folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.enhancer_every < 1 or (self.joint_enhancer and self.enhancer_every > 1):
            raise ValueError("enhancer_every is at least 1, and 1 with joint_enhancer")

    def kl_schedule(self) -> LinearRamp:
        """W_kl over the epochs of stage 1; the first epoch already has some weight."""
        return LinearRamp(self.w_kl, -1.0, self.w_kl_warmup)

    def gan_schedule(self) -> LinearRamp:
        """W_g over the epochs of stage 2."""
        return LinearRamp(self.w_g, 0.0, self.w_g_ramp)

    def noise_at(self, epoch: float) -> float:
        """Deviation of the instance noise at an epoch of stage 2."""
        return self.instance_noise * max(0.0, 1.0 - epoch / max(1, self.stage2_epochs))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as stored in checkpoints."""
        return {**asdict(self), "network": self.network.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ClassicRecipe:
        """Inverse of `to_dict`."""
        # Once a part of the recipe; now the machine's.
        known = {name: value for name, value in values.items() if name != "precision"}
        known["pair_shares"] = tuple(known.get("pair_shares", ()))
        return cls(**{**known, "network": ClassicConfig.from_dict(values["network"])})


PAPER = ClassicRecipe()
"""As published."""

EXTENDED = replace(
    PAPER,
    network=replace(
        PAPER.network,
        latent=384,
        prelu="shared",
        spectral_norm=True,
        sharpen=0.2,
        batch_norm_momentum=0.05,
    ),
    stage2_epochs=1,
    lr=2e-4,
    w_kl=5e-5,
    enhancer_every=100,
    w_g=0.035,
    w_g_ramp=1,
    rec2_reference="input",
    stage2_trains_vae=False,
    flip=True,
    instance_noise=0.1,
    perceptual="efficientnet",
    perceptual_weight=0.1,
    perceptual_trains_vae=False,
    joint_steps=4700,
    joint_w_kl=1e-5,
    w_maps=0.15,
    w_identity=0.3,
    neutralizer="joint",
    pair_share=0.01,
    ridge_stretch=True,
)
"""What the weights in `onnx_models/classic` were trained with, the joint stage in two runs (see
docs/experiments)."""

RECIPES: dict[str, ClassicRecipe] = {"paper": PAPER, "extended": EXTENDED}


def with_options(recipe: ClassicRecipe, **options: Any) -> ClassicRecipe:
    """Replace fields of the recipe, or of its network, by the options that are not None.

    Raises:
        ValueError: an option names no field.
    """
    given = {k: v for k, v in options.items() if v is not None}
    network = {k: given.pop(k) for k in list(given) if k in ClassicConfig.__dataclass_fields__}
    unknown = set(given) - set(ClassicRecipe.__dataclass_fields__)
    if unknown:
        raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
    return replace(recipe, network=replace(recipe.network, **network), **given)


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """`["w_kl=1e-3", "flip=true"]` to keyword arguments of `with_options`.

    Raises:
        UsageError: an entry is not KEY=VALUE.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set: {setting!r} is not KEY=VALUE")
        text = {"true": "True", "false": "False"}.get(text.lower(), text)
        try:
            found[key.strip()] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[key.strip()] = text
    return found
