"""The network that paints lips, a part of `photo`."""
