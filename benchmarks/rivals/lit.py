"""LitServe around the same work: `python -m benchmarks.rivals.lit --port 8000`.

As its documentation recommends: decoding and encoding in `decode_request` and `encode_response`,
the network in `predict` over a batch, workers by the number of cores, and one thread a worker so
that workers do not fight for them.
"""

# No postponed annotations here: LitServe reads the one of `decode_request` to build its route.

import argparse
from collections import defaultdict
from typing import Annotated, Any

import cv2
import litserve
from fastapi import File, Response

from benchmarks.rivals.work import Image, Prepared, Work, run, session

Neutral = tuple[Prepared, Image]
# As bytes: a form with an UploadFile does not survive the way to the worker's process.
Upload = Annotated[bytes, File(alias="file")]


class Neutralize(litserve.LitAPI):
    """One worker process has one of these."""

    def setup(self, device: str) -> None:
        """Load the models."""
        del device
        cv2.setNumThreads(1)
        self._work, self._graph = Work(), session(threads=1)

    def decode_request(self, request: Upload) -> Prepared:
        """The uploaded file, decoded and cropped."""
        return self._work.before(request)

    def batch(self, inputs: list[Prepared]) -> list[Prepared]:
        """Crops have several sizes, so they are no single array."""
        return inputs

    def unbatch(self, output: list[Neutral]) -> list[Neutral]:
        """As they are."""
        return output

    def predict(self, x: Prepared | list[Prepared]) -> Neutral | list[Neutral]:
        """The network, once for every size of crop in the batch."""
        if isinstance(x, Prepared):
            return x, run(self._graph, [x.crop.image])[0]
        by_size: dict[int, list[int]] = defaultdict(list)
        for place, prepared in enumerate(x):
            by_size[prepared.crop.size].append(place)
        answers: dict[int, Neutral] = {}
        for places in by_size.values():
            neutral = run(self._graph, [x[place].crop.image for place in places])
            answers |= {place: (x[place], n) for place, n in zip(places, neutral, strict=True)}
        return [answers[place] for place in range(len(x))]

    def encode_response(self, output: Neutral) -> Response:
        """The PNG."""
        return Response(self._work.after(*output), media_type="image/png")


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--max-batch", type=int, default=1)
    parser.add_argument("--batch-timeout", type=float, default=0.01)
    arguments = parser.parse_args()
    batching: dict[str, Any] = {}
    if arguments.max_batch > 1:
        batching = {
            "max_batch_size": arguments.max_batch,
            "batch_timeout": arguments.batch_timeout,
        }
    api = Neutralize(api_path="/neutralize", **batching)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=arguments.workers, timeout=120
    )
    server.run(
        host="127.0.0.1",
        port=arguments.port,
        num_api_servers=1,
        log_level="error",
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
