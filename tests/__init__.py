import app  # noqa: F401  (switches ONNX Runtime's telemetry off before a test imports it)
