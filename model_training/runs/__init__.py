"""What every training shares: the loop, checkpoints, precision, export."""
