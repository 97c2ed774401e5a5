"""What takes the shade of an expression away: a network, its training."""
