"""Grey from red, green and blue, by the same weights everywhere."""

from __future__ import annotations

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601 weights of red, green and blue, as OpenCV's and Pillow's grey."""
