"""Nair & Hinton 2010: rectified units in Restricted Boltzmann Machines; MNIST and CIFAR-10 stand for NORB and LFW."""

from activation_study.papers.item import Paper
from activation_study.papers.nair2010.figure1 import FIGURE1
from activation_study.papers.nair2010.machines import FIGURE4, FIGURE5, OPEN
from activation_study.papers.nair2010.tables import TABLES

PAPER = Paper(
    name="nair2010",
    reference="Nair & Hinton, 2010: Rectified Linear Units Improve Restricted Boltzmann Machines, ICML",
    about="A binary hidden unit replaced by infinitely many copies with stepped biases acts like a rectifier with "
    "noise. Machines with such units, and networks that start from them, recognise objects and faces better.",
    items=(FIGURE1, FIGURE4, FIGURE5, TABLES),
    source="NORB and LFW are not at hand; MNIST and CIFAR-10 stand in their place, so no number is of the same set-up.",
    open_points=OPEN,
)
