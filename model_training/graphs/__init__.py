"""Exported graphs checked, reduced and asked where they run."""
