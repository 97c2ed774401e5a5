"""The network that opens closed eyes, a part of `photo`."""
