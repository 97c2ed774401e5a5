"""Every stage on a device that is not the CPU: what a step makes is there, nothing is read back.

The device is `pretend_device`: it refuses tensors of the CPU and computes the CPU's numbers, so
that a stage has to end with the CPU's weights, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model_training.classic.context import ClassicContext
from model_training.classic.joint import steps_of_joint
from model_training.classic.latents import LatentPairs
from model_training.classic.networks import ClassicNet, Neutralizer
from model_training.classic.pair_sets import PairSet
from model_training.classic.recipe import PAPER, with_options
from model_training.classic.recogniser import Recogniser
from model_training.classic.stage1 import steps_of_stage1
from model_training.classic.stage2 import steps_of_stage2
from model_training.classic.stage3 import steps_of_sgd
from model_training.meter.config import LabelledSets, MeterConfig, MeterTrainingConfig
from model_training.meter.data import MeterBatches, MeterSet
from model_training.meter.network import BLENDSHAPE_NAMES, MeterNet
from model_training.meter.train import steps_of_meter
from model_training.photo.adversarial import AdversarialParts
from model_training.photo.batches import PhotoBatch
from model_training.photo.config import PatchNetConfig, PhotoConfig, PhotoData, PhotoTrainingConfig
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.eyes.batches import EyeBatch
from model_training.photo.eyes.config import EyeData, EyeTrainingConfig
from model_training.photo.eyes.train import eye_parts, steps_of_eyes
from model_training.photo.light.batches import LightBatch
from model_training.photo.light.config import LightData, LightTrainingConfig
from model_training.photo.light.train import light_parts, steps_of_light
from model_training.photo.lips.batches import LipBatch
from model_training.photo.lips.config import LipData, LipTrainingConfig
from model_training.photo.lips.train import lip_parts, steps_of_lips
from model_training.photo.step import PhotoParts, PhotoStep
from model_training.photo.windows import Window
from model_training.portraits.crops import CropCache
from model_training.runs.averages import AveragedParts, WeightAverage
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.config import Pace
from model_training.runs.loop import StepFunction
from tests.model_training.classic.drawn_recogniser import write_recogniser
from tests.model_training.pretend_device import DEVICE, PretendDevice, values

METER = MeterConfig(widths=(4, 4, 4, 4, 4), hidden=8)
PHOTO = PhotoConfig(widths=(4, 4, 8, 8), middle_blocks=1, fine=8)
THERE = Compute(DEVICE)
# torch warns that copying to a meta tensor does nothing; these have values.
pytestmark = pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Made(NamedTuple):
    """A step by its number, and what it trains."""

    step: Callable[[int], Mapping[str, Tensor | float]]
    weights: nn.Module


def averaged(step: StepFunction, parts: AdversarialParts[Any] | AveragedParts[Any]) -> Made:
    """With the average following the network, as the loop does it."""

    def both(index: int) -> Mapping[str, Tensor | float]:
        found = step(index)
        parts.average.update_parameters(parts.network)
        return found

    # Its count of updates stays on the CPU.
    trained = [part for part in parts.by_name().values() if isinstance(part, nn.Module)]
    kept = [part.module if isinstance(part, WeightAverage) else part for part in trained]
    return Made(both, nn.ModuleList(kept))


def pictures(*shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))


def photo(compute: Compute) -> Made:
    """With the meter as a judge, on a pair and a photograph without one."""
    config = PhotoTrainingConfig(
        PhotoData((), Path()), Path(), judged_from=0, judged_ramp=1, network=PHOTO
    )
    parts = PhotoParts(config, compute)
    calm = pictures(2, 3, 256, 256).to(compute.device)
    meter = ExpressionLoss(MeterNet(METER).to(compute.device), calm)
    step = PhotoStep(config, parts, meter, compute)
    pair, maps = pictures(2, 3, 256, 256), pictures(2, 3, 128, 128)
    batch = PhotoBatch(
        *(pair[:1], pair[:1].flip(3), pair[1:]),
        torch.cat([maps[:, :2], (maps[:, 2:] > 0).float()], 1),
        *((maps[:, :1] > 0).float(), maps[:, 1:2] * 20, maps[:, :1] * 60, maps[:1, :2] * 20),
    )
    return averaged(lambda index: step(index, Window.middle(), compute.send(batch)), parts)


def eyes(compute: Compute) -> Made:
    sizes = PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1)
    config = EyeTrainingConfig(EyeData(Path()), Path(), adversarial_from=1, network=sizes)
    parts = eye_parts(config, compute)
    patches, label = pictures(3, 6, 3, 72, 96), torch.tensor([1.0, 1, 0, 0.5, 1, 0])
    shut, sure = torch.tensor([0, 1]), torch.tensor([0, 1, 2])
    batch = EyeBatch(patches[0], patches[1], patches[2, :4], label, shut, sure)
    return averaged(steps_of_eyes(config, parts, lambda _: batch, compute), parts)


def light(compute: Compute) -> Made:
    sizes = PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1)
    config = LightTrainingConfig(LightData((), Path()), Path(), network=sizes)
    parts = light_parts(config, compute)
    face, motion, line, stops = (pictures(4, channels, 96, 96) for channels in (3, 4, 1, 1))
    batch = LightBatch(face, motion, line, stops, trust=(stops > 0).float())
    return averaged(steps_of_light(config, parts, lambda _: batch, compute), parts)


def lips(compute: Compute) -> Made:
    sizes = PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1)
    config = LipTrainingConfig(LipData((), Path()), Path(), adversarial_from=1, network=sizes)
    parts = lip_parts(config, compute)
    shown, target = pictures(2, 4, 3, 96, 128)
    line, share = pictures(4, 1, 48, 64) * 20, pictures(4, 1, 48, 64).abs()
    batch = LipBatch(shown, line, share, target, pictures(4, 1, 96, 128).abs())
    return averaged(steps_of_lips(config, parts, lambda _: batch, compute), parts)


def meter(compute: Compute) -> Made:
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (6, 192, 192, 3), np.uint8)
    labels = rng.random((6, 55), np.float32)
    data = MeterSet(crops, labels, BLENDSHAPE_NAMES, np.zeros(6, bool), ("",) * 6)
    network = MeterNet(METER)
    network.set_scale(torch.from_numpy(labels))
    compute.place(network)
    config = MeterTrainingConfig(LabelledSets(), Path(), Path())
    take = MeterBatches(data, 4, 0).batch
    return Made(steps_of_meter(config, network, take, compute)[0], network)


class _PlainAdam(ClassicContext):
    def adam(self, network: nn.Module, lr: float, beta1: float | None = None) -> torch.optim.Adam:
        """Not fused: torch has that for real devices alone."""
        return torch.optim.Adam(network.parameters(), lr, betas=(beta1 or 0.5, 0.999))


def classic(stage: int, **options: Any) -> Callable[[Compute], Made]:
    widths = {"encoder_widths": (4, 4, 4, 8), "decoder_widths": (8, 4, 4, 4), "enhancer_width": 4}
    tiny = {"image_size": 32, "latent": 4, "discriminator_dense": 8, "batch_size": 4, **widths}

    def made(compute: Compute) -> Made:
        recipe = with_options(PAPER, **{**tiny, **options})
        net = ClassicNet(recipe.network)
        compute.place(net)
        crops = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
        keys = tuple(str(row) for row in range(8))
        data = CropCache(crops, keys, keys, np.zeros(8, bool))
        context = _PlainAdam(recipe, net, data, Path(), compute, Pace())
        return Made((steps_of_stage1 if stage == 1 else steps_of_stage2)(context)[0], net)

    return made


def joint(compute: Compute) -> Made:
    tiny = {"image_size": 32, "latent": 4, "encoder_widths": (4, 4, 4, 8), "batch_size": 8}
    recipe = with_options(PAPER, **tiny, decoder_widths=(8, 4, 4, 4), joint_steps=4)
    net = ClassicNet(recipe.network)
    compute.place(net)
    crops = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    keys = tuple(str(row) for row in range(8))
    nobody = np.zeros(8, bool)
    rows = np.arange(8)
    pairs = PairSet(crops, rows, rows[::-1].copy(), keys, nobody)
    data = CropCache(crops, keys, keys, nobody)
    context = _PlainAdam(recipe, net, data, Path(), compute, Pace(), pairs=[pairs])
    with TemporaryDirectory() as folder:
        recogniser = Recogniser(write_recogniser(Path(folder)))
    return Made(steps_of_joint(context, recogniser)[0], net)


def neutralizer(compute: Compute) -> Made:
    latents = np.random.default_rng(0).random((2, 8, 4), np.float32)
    pairs = LatentPairs(*latents, ("a",) * 8, np.zeros(8, bool))
    network = Neutralizer(4).to(compute.device)
    recipe = with_options(PAPER, batch_size=4)
    return Made(steps_of_sgd(pairs, recipe, network, compute)[0], network)


EXTENDED = {
    "spectral_norm": True,
    "prelu": "shared",
    "channels": 3,
    "flip": True,
    "rec2_reference": "input",
    "instance_noise": 0.1,
    "stage2_trains_vae": False,
    "perceptual": "discriminator",
    "perceptual_weight": 0.1,
}


@pytest.mark.parametrize(
    "make",
    [
        *(photo, eyes, light, lips, meter, classic(1)),
        classic(1, joint_enhancer=True, **EXTENDED),
        *(classic(2), classic(2, **EXTENDED), joint, neutralizer),
    ],
    ids=[
        *("photo", "eyes", "light", "lips", "meter", "classic-1", "classic-1-extended"),
        *("classic-2", "classic-2-extended", "joint", "neutralizer"),
    ],
)
def test_steps_stay_on_the_device_and_give_the_same_weights(
    make: Callable[[Compute], Made],
) -> None:
    torch.manual_seed(0)
    here = make(ON_CPU)
    wanted = {name: float(value) for name, value in here.step(1).items()}
    torch.manual_seed(0)
    with PretendDevice(reading=True):
        there = make(THERE)
        with PretendDevice(reading=False):
            found = there.step(1)
        assert {name: float(value) for name, value in found.items()} == wanted
    state = there.weights.state_dict()
    for name, weight in here.weights.state_dict().items():
        assert state[name].device == DEVICE, name
        assert torch.equal(values(state[name]), weight), name
