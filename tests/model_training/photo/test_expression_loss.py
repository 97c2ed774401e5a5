"""The expression loss on a real face and the shipped meter."""

from pathlib import Path

import cv2
import pytest
import torch

from app.settings import DEFAULT_MODELS_DIR
from model_training.meter.network import BLENDSHAPE_NAMES, BLENDSHAPES, QUANTITIES
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.warm_start import load_meter

METER = DEFAULT_MODELS_DIR / "meter" / "meter.onnx"
SAMPLE = Path(__file__).resolve().parents[3] / "docs" / "samples" / "astronaut.jpg"


@pytest.fixture(scope="module")
def smiling() -> torch.Tensor:
    """The smiling astronaut about where the crop contract has a face, [1, 3, 256, 256]."""
    image = cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB)
    scale = image.shape[1] / 512
    x, y, side = (round(v * scale) for v in (140, 30, 170))
    crop = cv2.resize(image[y : y + side, x : x + side], (256, 256), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 127.5 - 1


def test_what_is_calm_costs_nothing(smiling: torch.Tensor) -> None:
    same = smiling.repeat(4, 1, 1, 1)
    loss = ExpressionLoss(load_meter(METER), same)
    assert loss(same).item() == pytest.approx(0, abs=1e-5)


def test_a_smile_costs_and_says_where(smiling: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    blank = torch.rand(8, 3, 1, 1, generator=generator).expand(8, 3, 256, 256) - 0.5
    loss = ExpressionLoss(load_meter(METER), blank)
    asked = smiling.clone().requires_grad_()
    value = loss(asked)
    value.backward()
    assert value.item() > 0.05
    assert asked.grad is not None
    mouth, corner = asked.grad[..., 160:220, 80:176], asked.grad[..., :32, :32]
    assert mouth.abs().mean() > 3 * corner.abs().mean()
    assert all(p.grad is None for p in loss.meter.parameters()), "the meter is not trained"


def test_readings_of_the_true_neutral_face_are_asked_for(smiling: torch.Tensor) -> None:
    loss = ExpressionLoss(load_meter(METER), smiling.repeat(2, 1, 1, 1))
    assert loss.error(smiling, smiling).item() == 0
    stretched = torch.nn.functional.interpolate(smiling[..., 48:208], size=(256, 256))
    asked = smiling.clone().requires_grad_()
    value = loss.error(asked, stretched)
    value.backward()
    difference = ((loss.read(smiling) - loss.read(stretched)) / loss.scale)[0].detach()
    by_hand = torch.where(difference.abs() < 1, difference**2 / 2, difference.abs() - 0.5)
    assert value.item() == pytest.approx((by_hand * loss.weights).sum().item(), rel=1e-4)
    assert asked.grad is not None
    assert asked.grad.abs().sum() > 0


def test_every_reading_has_a_weight_and_eyes_have_none() -> None:
    loss = ExpressionLoss(load_meter(METER), torch.zeros(2, 3, 256, 256))
    assert len(BLENDSHAPE_NAMES) == BLENDSHAPES == 52
    weights = dict(zip((*QUANTITIES, *BLENDSHAPE_NAMES), loss.weights.tolist(), strict=True))
    assert weights["eyeLookInLeft"] == weights["eyeBlinkLeft"] == weights["_neutral"] == 0
    assert weights["mouthSmileLeft"] == weights["lip_gap"] > weights["browDownLeft"] > 0
