"""Losses, one file a model."""
