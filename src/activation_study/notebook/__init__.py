"""What the notebooks share: the demo's runs, trainings that are watched, and pictures, tables and choices in a cell.

All of it can be called without a notebook, too, but for what shows widgets.
"""

from activation_study.notebook.choosing import Several, Slider, choose
from activation_study.notebook.demo import DATA, PRESET, RUNS, on_disk, preset, runs
from activation_study.notebook.drawing import (
    error_and_bound,
    function,
    layer_factors,
    probabilities,
    profile,
    properties,
)
from activation_study.notebook.filming import Choices, Film, film
from activation_study.notebook.papers import choose_paper, paper, papers_made
from activation_study.notebook.shown import picture, show, table
from activation_study.notebook.verdicts import choose_verdict, verdict
from activation_study.notebook.views import gradients, histograms
from activation_study.notebook.watching import live

__all__ = [
    "DATA", "PRESET", "RUNS", "Choices", "Film", "Several", "Slider", "choose", "choose_paper", "choose_verdict",
    "error_and_bound", "film", "function", "gradients", "histograms", "layer_factors", "live", "on_disk", "paper",
    "papers_made", "picture", "preset", "probabilities", "profile", "properties", "runs", "show", "table", "verdict",
]  # fmt: skip
