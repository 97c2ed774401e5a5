"""How `stoicnet batch` grows with workers: `python -m benchmarks.batch --images 2000`.

Makes photographs (the sample, cropped, scaled and lit differently), runs the command with the
engine ray on one worker and on two, and with the engine local on two, prints the ratios and writes
them as JSON. Every run writes the same files, which is checked. Ends with exit code 1 if ray on two
workers is less than 1.7 times as fast as on one, or a result differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance

from benchmarks.pictures import SAMPLE
from model_training.runs.atomic import write_json

ENOUGH = 1.7


def photographs(folder: Path, count: int) -> None:
    """Write different photographs of one face, 400 to 1000 pixels, the same in every run."""
    folder.mkdir(parents=True)
    chance = random.Random(0)
    with Image.open(SAMPLE) as sample:
        picture = sample.convert("RGB")
    for index in range(count):
        left, right = chance.randrange(0, 60), picture.width - chance.randrange(0, 60)
        cut = picture.crop((left, 0, right, picture.height - chance.randrange(0, 60)))
        side = chance.choice((400, 512, 640, 800, 1000))
        cut.thumbnail((side, side))
        if side > max(cut.size):
            cut = cut.resize((side, round(side * cut.height / cut.width)))
        lit = ImageEnhance.Brightness(cut).enhance(chance.uniform(0.8, 1.2))
        lit.save(folder / f"{index:06d}.jpg", "JPEG", quality=chance.randrange(80, 96))


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command.

    Attributes:
        engine, workers: as given to it.
        images_per_second: as it says, with the start of the engine.
        command_s: of the whole command, with Python's start and the listing.
        digest: of all results.
    """

    engine: str
    workers: int
    images_per_second: float
    command_s: float
    digest: str


def run(source: Path, output: Path, engine: str, workers: int) -> Run:
    """Run the command into a new folder, which is removed again."""
    command = [sys.executable, "-c", "from app.cli import main; main()", "batch"]
    command += [str(source), str(output), "--engine", engine, "--workers", str(workers)]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        env=os.environ | {"STOICNET_DEVICE": "cpu", "STOICNET_LOG_LEVEL": "error"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    summary = json.loads(done.stdout.splitlines()[-1])
    if summary["written"] + summary["bad"] != summary["images"] or summary["before"]:
        raise SystemExit(f"not every image was done: {summary}")
    digest = hashlib.sha256()
    for path in sorted(output.glob("*.png")):
        digest.update(path.name.encode() + path.read_bytes())
    shutil.rmtree(output)
    each = Run(
        engine, workers, summary["images_per_second"], round(seconds, 2), digest.hexdigest()[:16]
    )
    print(each, file=sys.stderr, flush=True)
    return each


def compare(images: int, rounds: int) -> dict[str, Any]:
    """All runs, `rounds` times by turns, and their ratios (of the best of each)."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "in", Path(folder) / "out"
        photographs(source, images)
        kinds = [("ray", 1), ("ray", 2), ("local", 2)]
        runs = [run(source, output, *kind) for _ in range(rounds) for kind in kinds]
    best = {
        kind: max(r.images_per_second for r in runs if (r.engine, r.workers) == kind)
        for kind in kinds
    }
    return {
        "images": images,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_before": round(os.getloadavg()[2], 2),
        "runs": [asdict(each) for each in runs],
        "same_results": len({each.digest for each in runs}) == 1,
        "ray_two_over_one": round(best["ray", 2] / best["ray", 1], 3),
        "local_two_over_ray_two": round(best["local", 2] / best["ray", 2], 3),
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the report here")
    arguments = parser.parse_args()
    report = compare(arguments.images, arguments.rounds)
    print(json.dumps(report, indent=2))
    if arguments.json:
        write_json(report, arguments.json)
    raise SystemExit(report["ray_two_over_one"] < ENOUGH or not report["same_results"])


if __name__ == "__main__":
    main()
