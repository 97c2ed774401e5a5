"""Measurements of the service; run on a quiet machine."""
