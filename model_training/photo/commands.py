"""What the command line does for `photo`."""

from __future__ import annotations

from model_training.photo.config import PhotoExportConfig, PhotoTrainingConfig, PrepareConfig
from model_training.photo.export import export_photo, load_photo
from model_training.photo.eyes.train import load_eye_opener
from model_training.photo.light.train import load_light_net
from model_training.photo.lips.train import load_lip_painter
from model_training.photo.network import PhotoNet
from model_training.photo.prepare import prepare_photo
from model_training.photo.train import train_photo
from model_training.photo.warm_start import load_eyes, load_light, load_lips, load_photo_network
from model_training.runs.start import start


def prepare(config: PrepareConfig) -> None:
    """Make what `photo` trains on besides synthetic pairs."""
    prepare_photo(config)


def train(config: PhotoTrainingConfig) -> None:
    """Train `photo`, or go on with it."""
    with start(config.compute, config.out, config.threads) as (compute, workers):
        checkpoint = train_photo(config, compute, workers)
    if workers.main:
        print(f"weights in {checkpoint}; write them with: export photo --checkpoint")


def export(config: PhotoExportConfig) -> None:
    """Write network.onnx, light.onnx, eyes.onnx, lips.onnx, render.onnx and fused.onnx."""
    folder = config.models_dir / "photo"
    if config.checkpoint is not None:
        network = load_photo(config.checkpoint)
    else:
        network = PhotoNet().eval()
        load_photo_network(network, folder / "network.onnx")
    light = load_light_net(config.light) if config.light else load_light(folder / "light.onnx")
    opener = load_eye_opener(config.eyes) if config.eyes else load_eyes(folder / "eyes.onnx")
    painter = load_lip_painter(config.lips) if config.lips else load_lips(folder / "lips.onnx")
    file = export_photo(network, light, opener, painter, config.models_dir, config.version)
    print(f"wrote {file} ({file.stat().st_size / 1e6:.1f} MB)")
