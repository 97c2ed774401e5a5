"""`python -m model_training ...` in this process, as a shell would see it; a tiny training."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from model_training.cli import main
from tests.model_training.drawn_faces import make_ck_plus, save_landmarks


class Result(NamedTuple):
    """What a command left: its exit code, and what it printed to both streams."""

    exit_code: int
    output: str


def invoke(arguments: Sequence[str]) -> Result:
    """Run a command; anything but its exit is raised on."""
    printed, code = io.StringIO(), 0
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Result(code, printed.getvalue())


TINY = (
    *("image_size=32", "latent=6", "encoder_widths=(4,4,8,8)", "decoder_widths=(8,4,4,4)"),
    *("enhancer_width=4", "discriminator_dense=8", "batch_size=8", "batch_norm_momentum=0.1"),
    *("stage1_epochs=10", "stage2_epochs=4", "stage3_epochs=30", "w_kl_warmup=2", "w_g_ramp=2"),
    *("lr=3e-3", "instance_noise=0.05", "flip=true"),
)


def tiny_options(data: Path, out: Path, *settings: str) -> list[str]:
    """Arguments after `train classic`: a drawn CK+ (made once) and the smallest networks."""
    landmarks = data / "landmarks.npz"
    if not landmarks.exists():
        # S016 to S029: the last one's name is hashed into validation.
        save_landmarks(make_ck_plus(data, subjects=14, first=16), landmarks)
    options = ["--ck-plus", str(data), "--landmarks", str(landmarks), "--out", str(out)]
    options += ["--threads", "1", "--log-every", "2", "--checkpoint-every", "3"]
    options += ["--sheet-epochs", "4", "--no-tensorboard", "--compute", "float32"]
    return options + [part for s in (*TINY, *settings) for part in ("--set", s)]


def command(options: list[str]) -> list[str]:
    """A command line that runs `train classic` in a process of its own."""
    return [sys.executable, "-m", "model_training", "train", "classic", *options]
