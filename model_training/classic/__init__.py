"""`classic`: the paper."""
