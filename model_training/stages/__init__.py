"""Training stages: loops that read top to bottom."""
