"""The explorer: one HTML file in which the runs are looked at, and small networks are trained."""
