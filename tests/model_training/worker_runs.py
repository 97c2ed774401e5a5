"""Every stage trained in tiny, by one process or, under torchrun, by several that share batches.

`python -m torch.distributed.run --standalone --nproc-per-node 2 -m tests.model_training.worker_runs
DATA OUT` does what `train_all(DATA, OUT)` and `join_again_and_again(OUT)` do.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from model_training.classic.networks import ClassicConfig, ClassicNet, sample_latent
from model_training.meter.config import LabelledSets, MeterConfig, MeterTrainingConfig
from model_training.meter.train import train_meter
from model_training.photo.config import PhotoConfig, PhotoData, PhotoTrainingConfig
from model_training.photo.train import train_photo
from model_training.runs.config import Pace
from model_training.runs.distributed import ALONE, Workers, torchrun_workers
from tests.model_training.command_line import invoke, tiny_options

SETTINGS = (
    *("stage1_epochs=2", "stage2_epochs=2", "stage3_epochs=2"),
    "lr=2e-4",  # Adam makes steps of this size out of rounding too
)
JOINS = 20
METER = MeterConfig(widths=(4, 6, 8, 8, 8), hidden=16, dropout=0.2)


def train_classic_by_command(data: Path, out: Path) -> None:
    """All three stages, by the command line: it joins the workers itself."""
    result = invoke(
        ["train", "classic", *tiny_options(data / "ck_plus", out / "classic", *SETTINGS)]
    )
    assert result.exit_code == 0, result.output


def train_rest(data: Path, out: Path, workers: Workers) -> None:
    """The meter, with dropout, and `photo`."""
    train_meter(
        MeterTrainingConfig(
            sets=LabelledSets(london=data / "london"),
            landmarks=data / "landmarks.npz",
            out=out / "meter",
            steps=4,
            batch_size=8,
            network=METER,
            threads=1,
            pace=Pace(log=1, checkpoint=2, tensorboard=False),
        ),
        workers=workers,
    )
    batch = PhotoData(
        pairs=(data / "pairs",),
        prepared=data / "prepared",
        synthetic=6,
        smiles=2,
        unchanged=2,
        wild=2,
    )
    train_photo(
        PhotoTrainingConfig(
            data=batch,
            out=out / "photo",
            steps=4,
            judged_from=1,
            judged_ramp=1,
            network=PhotoConfig(widths=(4, 4, 8, 8), middle_blocks=1, fine=8),
            log_every=1,
            sheet_every=4,
            threads=1,
        ),
        workers=workers,
    )


def joint_gradients(workers: Workers) -> dict[str, Tensor]:
    """Gradients, and batch norm statistics, of one batch of 8 through all networks in float64."""
    torch.manual_seed(5)
    widths = {"encoder_widths": (4, 4, 8, 8), "decoder_widths": (8, 4, 4, 4)}
    net = ClassicNet(ClassicConfig(32, latent=6, enhancer_width=4, **widths)).double().train()
    networks = (net.encoder, net.decoder, net.enhancer, net.discriminator)
    encoder, decoder, enhancer, discriminator = (workers.parallel(n) for n in networks)
    image = workers.share(torch.rand(8, 1, 32, 32, dtype=torch.float64))
    mu, logvar = encoder(image)
    enhanced = enhancer(decoder(sample_latent(mu, logvar, workers.normal_like)))
    scores = discriminator(enhanced)
    ((enhanced - image).square().mean() + (scores - 1).square().mean()).backward()
    gradients = {k: p.grad for k, p in net.named_parameters() if p.grad is not None}
    return {**gradients, **dict(net.named_buffers())}


def train_all(data: Path, out: Path) -> None:
    """Train everything into OUT/classic, OUT/meter and OUT/photo."""
    torch.set_num_threads(1)
    train_classic_by_command(data, out)
    with torchrun_workers() as workers:
        assert workers == ALONE or workers.count > 1
        train_rest(data, out, workers)
        gradients = joint_gradients(workers)
        if workers.main:
            torch.save(gradients, out / "gradients.pt")


def join_again_and_again(out: Path) -> None:
    """Join the workers many times in one process: what a second training in a script does.

    Each worker leaves a file `OUT/joined-RANK` with the number of times.
    """
    for turn in range(JOINS):
        with torchrun_workers() as workers:
            with workers.main_first():
                pass
            total = workers.mean({"rank": float(workers.rank + turn)})
            assert total == {"rank": turn + (workers.count - 1) / 2}
    (out / f"joined-{workers.rank}").write_text(f"{JOINS}")


if __name__ == "__main__":
    train_all(Path(sys.argv[1]), Path(sys.argv[2]))
    join_again_and_again(Path(sys.argv[2]))
