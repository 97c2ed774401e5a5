"""Servers that others would use instead: the same graph, detector, crop, composite and encoder.

What differs is what serves: processes, threads, queues, batches. Their answers are the service's
to the byte, which `python -m benchmarks.rivals` checks before it measures.
"""
