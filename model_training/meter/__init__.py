"""The network that reads expression from a crop."""
