"""What the command line does with pair sets.

Each command imports what it needs itself: they run in different environments.
"""

from __future__ import annotations

from model_training.errors import UsageError
from model_training.synthesis.config import (
    BenchmarkConfig,
    ExpressionSheetConfig,
    PairCheckConfig,
    RealismConfig,
    SynthesisConfig,
)


def make(config: SynthesisConfig) -> None:
    """Make a pair set, or go on with it."""
    from model_training.synthesis.actions import PROTOTYPES
    from model_training.synthesis.run import synthesize

    if unknown := set(config.names) - set(PROTOTYPES):
        raise UsageError(f"--expression: no such expression: {', '.join(sorted(unknown))}")
    synthesize(config)


def time_it(config: BenchmarkConfig) -> None:
    """Say how fast pairs are made."""
    from model_training.synthesis.benchmark import benchmark

    results = benchmark(config)
    total = sum(result.pairs for result in results)
    rate = total / max(result.wall_s for result in results)
    print(f"{rate:.1f} pairs/s over {config.workers} workers")
    busy = sum(result.cpu_s for result in results)
    print(f"{total / busy:.1f} pairs per processor second")
    for result in results:
        print("resident MiB: " + " ".join(f"{value:.0f}" for value in result.memory_mib))


def check_pairs(config: PairCheckConfig) -> None:
    """Say how natural pairs are to a detector, a landmarker and a recogniser."""
    from model_training.synthesis.check import check

    for name, value in check(config.folder, config.count, config.seed).items():
        print(f"{name}: {value:.3f}")


def measure_realism(config: RealismConfig) -> None:
    """Say how well synthetic smiles can be told from real ones."""
    import numpy as np
    import torch

    from model_training.portraits.landmarks import LandmarkTable
    from model_training.synthesis.realism import accuracy, real_smiles, synthetic_smiles

    torch.set_num_threads(1)
    synthetic = synthetic_smiles(config.pairs, config.source, config.count)
    table = LandmarkTable.load(config.landmarks)
    real = real_smiles(table, config.photos, config.source, 256, config.count, 0)
    found = [accuracy(real, synthetic, seed=seed) for seed in range(config.repeats)]
    print(f"{len(real.images)} real, {len(synthetic.images)} synthetic smiles")
    print(f"accuracy {np.mean(found):.3f} ({', '.join(f'{value:.3f}' for value in found)})")


def draw_sheet(config: ExpressionSheetConfig) -> None:
    """Draw the expressions."""
    from model_training.portraits.landmarks import LandmarkTable
    from model_training.synthesis.donors import load
    from model_training.synthesis.face_model import load_face_model
    from model_training.synthesis.gallery import expression_sheet, save_jpeg

    table = LandmarkTable.load(config.landmarks)
    if unknown := [path for path in config.source if path not in table.paths]:
        raise UsageError(f"--source: {config.landmarks} has no {', '.join(unknown)}")
    model = load_face_model(config.face_model)
    lent = load(model, config.donors) if config.donors else None
    sheet = expression_sheet(
        model, lent, table, config.photos, list(config.source), config.size, config.seed
    )
    save_jpeg(config.out, sheet)
