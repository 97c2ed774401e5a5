"""ONNX Runtime sessions and the registry of model files."""
