"""Glorot & Bengio 2010: how activations, errors and gradients pass through deep networks, before and in training."""

from activation_study.papers.glorot2010 import errors, networks
from activation_study.papers.glorot2010.errors import FIGURE12, TABLE_1
from activation_study.papers.glorot2010.factors import FACTORS
from activation_study.papers.glorot2010.saturation import FIGURE2, FIGURE3, FIGURE4
from activation_study.papers.glorot2010.start import FIGURE6, FIGURE7, FIGURE8
from activation_study.papers.glorot2010.training import FIGURE9, FIGURE11
from activation_study.papers.item import Paper

PAPER = Paper(
    name="glorot2010",
    reference="Glorot & Bengio, 2010: Understanding the difficulty of training deep feedforward neural networks, "
    "AISTATS",
    about="The top layer of a deep network of sigmoids saturates early in training, and with the usual initialization "
    "activations and errors shrink from layer to layer. The paper proposes an initialization that keeps both, and with "
    "it reaches lower errors. Hochreiter's vanishing gradient stands beside it.",
    items=(FIGURE2, FIGURE3, FIGURE4, FIGURE6, FIGURE7, FIGURE8, FACTORS, FIGURE9, FIGURE11, FIGURE12, TABLE_1),
    open_points=f"{networks.OPEN} {errors.OPEN}",
)
