"""Outputs graded blind by eye, and from which level on teeth count as seen."""
