"""The exported graph follows the contract and agrees with torch within one grey level."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from model_training.photo.config import PatchNetConfig, PhotoConfig
from model_training.photo.export import export_photo
from model_training.photo.eyes.network import EyeOpener
from model_training.photo.graphs import FusedPhoto
from model_training.photo.light.network import LightNet
from model_training.photo.lips.network import LipPainter
from model_training.photo.network import PhotoNet
from model_training.runs.manifest import read_manifest, sha256_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network() -> PhotoNet:
    torch.manual_seed(0)
    network = PhotoNet(PhotoConfig(widths=(4, 8, 8, 8), middle_blocks=1, fine=8))
    for head in (network.coarse_motion, network.fine_maps):
        torch.nn.init.normal_(head.weight, std=0.1)
    return network.eval()


@pytest.fixture(scope="module")
def eyes() -> EyeOpener:
    """Finds some eyes shut and paints noise there."""
    torch.manual_seed(1)
    opener = EyeOpener(PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1))
    torch.nn.init.normal_(opener.last.weight, std=0.3)
    torch.nn.init.normal_(opener.shut[2].weight, std=2.0)
    return opener.eval()


@pytest.fixture(scope="module")
def light() -> LightNet:
    """Lights faces at random."""
    torch.manual_seed(3)
    network = LightNet(PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1))
    torch.nn.init.normal_(network.last.weight, std=0.1)
    return network.eval()


@pytest.fixture(scope="module")
def lips() -> LipPainter:
    """Paints noise where a mouth came together."""
    torch.manual_seed(2)
    painter = LipPainter(PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1))
    torch.nn.init.normal_(painter.last.weight, std=0.3)
    return painter.eval()


@pytest.fixture(scope="module")
def models_dir(
    network: PhotoNet,
    light: LightNet,
    eyes: EyeOpener,
    lips: LipPainter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("onnx_models")
    export_photo(network, light, eyes, lips, folder, "1.2.3")
    return folder


@pytest.fixture(scope="module")
def session(models_dir: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(
        str(models_dir / "photo" / "fused.onnx"), providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize(("batch", "size"), [(1, 256), (3, 256), (1, 512), (2, 768), (1, 1024)])
def test_torch_and_onnx_runtime_agree(
    network: PhotoNet,
    light: LightNet,
    eyes: EyeOpener,
    lips: LipPainter,
    session: onnxruntime.InferenceSession,
    batch: int,
    size: int,
) -> None:
    rng = np.random.default_rng(size)
    coarse = rng.integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8)
    image = coarse.repeat(size // 32, 1).repeat(size // 32, 2)
    strength = np.linspace(1, 0.3, batch, dtype=np.float32)
    regions = rng.random((batch, 3), np.float32)
    (ours,) = session.run(None, {"image": image, "strength": strength, "regions": regions})
    with torch.no_grad():
        fused = FusedPhoto(network, light, eyes, lips)
        inputs = (torch.from_numpy(part) for part in (image, strength, regions))
        theirs = fused(*inputs).numpy()
    assert ours.dtype == np.uint8
    assert ours.shape == image.shape
    # Where two layers meet, the last bit decides which of them a pixel is taken from.
    assert (np.abs(ours.astype(int) - theirs) > 1).mean() < 1e-4
    assert np.abs(ours.astype(int) - image).max() > 20, "this network changes the picture"


def test_strength_zero_returns_the_crop(session: onnxruntime.InferenceSession) -> None:
    image = np.random.default_rng(1).integers(0, 256, (1, 512, 512, 3), dtype=np.uint8)
    (out,) = session.run(None, {"image": image, "strength": np.zeros(1, np.float32)})
    assert np.array_equal(out, image)


def test_regions_may_be_left_out_and_leave_the_rest_of_the_face(
    session: onnxruntime.InferenceSession,
) -> None:
    coarse = np.random.default_rng(5).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    feed = {"image": coarse.repeat(16, 1).repeat(16, 2), "strength": np.ones(2, np.float32)}
    (usual,) = session.run(None, feed)
    (whole,) = session.run(None, feed | {"regions": np.ones((2, 3), np.float32)})
    assert np.array_equal(usual, whole)
    mouth = np.array([[0, 0, 1], [1, 1, 0]], np.float32)
    (parts,) = session.run(None, feed | {"regions": mouth})
    changed = (parts != feed["image"]).any(-1)
    # Eyes are at 0.44 of the crop, the mouth at about 0.73.
    assert not changed[0, :200].any()
    assert changed[0, 340:400].any()
    assert changed[1, :200].any()
    assert not changed[1, 340:].any()


def test_grey_in_grey_out(session: onnxruntime.InferenceSession) -> None:
    grey = np.random.default_rng(2).integers(0, 256, (1, 256, 256, 1), dtype=np.uint8)
    image = grey.repeat(3, 3)
    (out,) = session.run(None, {"image": image, "strength": np.ones(1, np.float32)})
    assert np.array_equal(out[..., 0], out[..., 1])
    assert np.array_equal(out[..., 0], out[..., 2])
    assert not np.array_equal(out, image)


def test_outside_the_window_nothing_changes(session: onnxruntime.InferenceSession) -> None:
    image = np.random.default_rng(3).integers(0, 256, (1, 512, 512, 3), dtype=np.uint8)
    (out,) = session.run(None, {"image": image, "strength": np.ones(1, np.float32)})
    changed = (out != image).any(-1)[0]
    assert changed.any()
    # 192 of 256 px, from (58, 32), at twice the size.
    assert not changed[:116].any()
    assert not changed[500:].any()
    assert not changed[:, :64].any()
    assert not changed[:, 448:].any()


def test_metadata_and_manifest(models_dir: Path, session: onnxruntime.InferenceSession) -> None:
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["version"] == "1.2.3"
    assert metadata["name"] == "stoicnet-photo-fused"
    assert json.loads(metadata["regions"]) == ["brows", "eyes", "mouth"]
    assert json.loads(metadata["crop_spec"])["sizes"] == [256, 512, 768, 1024]
    assert {"licence", "training_data", "config_hash"} <= metadata.keys()
    entry = read_manifest(models_dir)["models"]["photo"]
    for name in ("fused.onnx", "network.onnx", "light.onnx", "eyes.onnx", "lips.onnx"):
        file = models_dir / "photo" / name
        onnx.checker.check_model(str(file))
        assert entry["files"][name]["sha256"] == sha256_of(file)


def test_files_tell_nothing_of_the_machine(models_dir: Path) -> None:
    for name in ("fused.onnx", "network.onnx", "light.onnx", "eyes.onnx", "lips.onnx"):
        content = (models_dir / "photo" / name).read_bytes()
        assert b"stack_trace" not in content
        assert str(Path(torch.__file__).parent).encode() not in content
        assert str(Path(__file__).parents[3]).encode() not in content
