"""Join the workers many times in one process: what a second training in a script does."""

from __future__ import annotations

import sys

from model_training.distributed import torchrun_workers

TIMES = 20

if __name__ == "__main__":
    for turn in range(TIMES):
        with torchrun_workers() as workers:
            with workers.main_first():
                pass
            total = workers.mean({"rank": float(workers.rank + turn)})
            assert total == {"rank": turn + (workers.count - 1) / 2}
    # In one piece: the other worker prints to the same pipe.
    sys.stdout.write(f"joined {TIMES}\n")
    sys.stdout.flush()
