"""Stacks of networks: their layers, their initial weights, and those of the user's own."""
