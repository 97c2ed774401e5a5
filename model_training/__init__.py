"""Training side of StoicNet: data, networks, training stages, evaluation and ONNX export."""
