"""Runs on disk: what makes a run itself, its folder, its training, and reading many of them as tables."""

from activation_study.runs.folder import Run, runs_in
from activation_study.runs.identity import configuration_hash, replica_ids, run_name, scientific
from activation_study.runs.tables import Tables, read

__all__ = ["Run", "Tables", "configuration_hash", "read", "replica_ids", "run_name", "runs_in", "scientific"]
