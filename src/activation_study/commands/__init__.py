"""What the commands in `experiments/` do."""
