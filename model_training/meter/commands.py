"""What the command line does for the meter."""

from __future__ import annotations

from model_training.meter.config import MeterExportConfig, MeterTrainingConfig
from model_training.meter.export import export_meter
from model_training.meter.train import train_meter
from model_training.runs.start import start


def train(config: MeterTrainingConfig) -> None:
    """Train the meter, or go on with it."""
    config.sets.need_one()
    with start(config.compute, config.out, config.threads) as (compute, workers):
        checkpoint = train_meter(config, compute, workers)
    if workers.main:
        print(f"weights in {checkpoint}; write them with: export meter --checkpoint")


def export(config: MeterExportConfig) -> None:
    """Write meter.onnx."""
    print(f"written: {export_meter(config.checkpoint, config.models_dir, config.version)}")
