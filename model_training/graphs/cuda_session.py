"""`python -m model_training.graphs.cuda_session GRAPH`: log on which provider each node is put.

A process of its own for `cuda_kernels`: with stand-ins for NVIDIA's libraries it ends in an error
at the latest when memory of the GPU is asked for, and the log has the answer by then.
"""

from __future__ import annotations

import sys

import onnxruntime as ort


def main(graph: str) -> None:
    """Load the graph on CUDA, as talkative as ONNX Runtime can be."""
    options = ort.SessionOptions()
    options.log_severity_level = 0
    # Enough for constants to be folded; what is fused later would hide the names of nodes.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    ort.InferenceSession(
        graph, options, providers=["CUDAExecutionProvider", "CPUExecutionProvider"]
    )


if __name__ == "__main__":
    main(sys.argv[1])
