"""Entry point of `python -m model_training`."""

from model_training.cli import app

app()
