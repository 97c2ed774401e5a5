"""The service: FastAPI, ONNX Runtime, no PyTorch."""

import os

# Since 1.29, ONNX Runtime's wheels for Linux and macOS send usage data to Microsoft and keep a
# device id in the home directory unless this is set before they are imported. Nothing here phones
# home; an operator who wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
