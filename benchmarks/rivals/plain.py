"""A FastAPI handler around ONNX Runtime, as one writes it by hand in an hour.

One session and one detector for all requests; the handler is a plain function, which FastAPI runs
in its pool of threads. `RIVAL_THREADS` sets the session's threads; unset leaves ONNX Runtime's
default, all cores. Run with `uvicorn benchmarks.rivals.plain:app`.
"""

from __future__ import annotations

import os

from fastapi import FastAPI, Response, UploadFile

from benchmarks.rivals.work import Work, run, session

app = FastAPI()
work = Work()
graph = session(int(os.environ["RIVAL_THREADS"]) if "RIVAL_THREADS" in os.environ else None)


@app.get("/health")
def health() -> dict[str, str]:
    """Whether it is up."""
    return {"status": "ok"}


@app.post("/neutralize")
def neutralize(file: UploadFile) -> Response:
    """The neutral-expression portrait."""
    prepared = work.before(file.file.read())
    neutral = run(graph, [prepared.crop.image])[0]
    return Response(work.after(prepared, neutral), media_type="image/png")
