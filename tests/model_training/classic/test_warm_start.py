"""Training on from `classic`'s exported files begins with what they compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from app.settings import DEFAULT_MODELS_DIR
from model_training.classic.networks import ClassicNet
from model_training.classic.networks.exported import ExportedClassic
from model_training.classic.networks.pixels import to_network
from model_training.classic.recipe import EXTENDED
from model_training.classic.warm_start import NEW_LOGVAR, load_exported
from model_training.runs.exported import WarmStartError
from tests.model_training.drawn_faces import draw_face

CLASSIC = DEFAULT_MODELS_DIR / "classic"


def _faces() -> torch.Tensor:
    drawn = np.stack([draw_face(person, 0.5)[34:146, 34:146] for person in range(6)])
    return to_network(torch.from_numpy(drawn), 1)


def _answer(name: str, x: torch.Tensor) -> torch.Tensor:
    session = ort.InferenceSession(
        str(CLASSIC / f"{name}.onnx"), providers=["CPUExecutionProvider"]
    )
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


@torch.no_grad()
@pytest.mark.parametrize("more", [0, 32])
def test_the_networks_answer_as_their_files(more: int) -> None:
    old = ExportedClassic(CLASSIC).config.latent
    torch.manual_seed(0)
    net, faces = ClassicNet(replace(EXTENDED.network, latent=old + more)), _faces()
    load_exported(net, CLASSIC, [faces])
    net.eval()
    mu, logvar = net.encoder(faces)
    wanted = _answer("encoder", faces)
    assert torch.allclose(mu[:, :old], wanted, atol=1e-3)
    assert torch.allclose(logvar[:, old:], torch.full_like(logvar[:, old:], NEW_LOGVAR))
    decoded = net.decoder(mu)
    assert torch.allclose(decoded, _answer("decoder", wanted), atol=2e-3)
    assert torch.allclose(net.enhancer(decoded), _answer("enhancer", decoded), atol=2e-3)
    moved = net.neutralizer(mu)
    assert torch.allclose(moved[:, :old], _answer("neutralizer", wanted), atol=2e-3)
    assert torch.equal(moved[:, old:], mu[:, old:])
    # Settled: in training, a batch norm's own statistics change next to nothing.
    trained = net.encoder.train()(faces)[0]
    assert (trained - mu).abs().mean() < 0.05 * mu.abs().mean()


def test_folders_and_networks_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WarmStartError, match="no exported classic"):
        load_exported(ClassicNet(EXTENDED.network), tmp_path, [_faces()])
    small = ClassicNet(replace(EXTENDED.network, latent=16))
    with pytest.raises(WarmStartError, match="does not fit"):
        load_exported(small, CLASSIC, [_faces()])
