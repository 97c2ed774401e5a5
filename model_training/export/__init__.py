"""Turning trained networks into ONNX files that the service reads."""
