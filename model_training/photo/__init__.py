"""`photo`: the network for colour photographs."""
