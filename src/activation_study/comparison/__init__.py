"""From the tables of runs to what can be concluded: numbers, intervals, differences, and both in words."""
