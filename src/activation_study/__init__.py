"""A study of rectified activations: train them side by side, measure them layer by layer, compare them fairly."""
