"""Metrics, logs and traces: what an operator sees."""
