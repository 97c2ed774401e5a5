"""Training side of StoicNet: data, networks, training stages, evaluation and ONNX export."""

import os

# As in `app`, for commands that import onnxruntime first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
