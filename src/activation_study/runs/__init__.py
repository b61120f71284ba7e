"""Runs on disk: what makes a run itself, its folder, and reading many of them as tables."""

from activation_study.runs.folder import Run, runs_in
from activation_study.runs.identity import comparable_hash
from activation_study.runs.tables import Tables, read, read_runs

__all__ = ["Run", "Tables", "comparable_hash", "read", "read_runs", "runs_in"]
