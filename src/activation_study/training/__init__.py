"""Training: the loop, what it measures, and how a run is brought to its end whatever happens."""
