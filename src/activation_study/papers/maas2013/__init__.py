"""Maas, Hannun & Ng 2013: LReLU, and how many of a network's units are active; on images in place of speech."""

from activation_study.papers.item import Paper
from activation_study.papers.maas2013.figure1 import FIGURE1
from activation_study.papers.maas2013.figure2 import FIGURE2
from activation_study.papers.maas2013.setup import TRAINING
from activation_study.papers.maas2013.table1 import TABLE1

PAPER = Paper(
    name="maas2013",
    reference="Maas, Hannun & Ng, 2013: Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML Workshop "
    "on Deep Learning for Audio, Speech and Language Processing",
    about="Rectifiers make acoustic models better than tanh does, and a leak of 0.01 below zero changes little. The "
    "paper also counts how many units are active: with rectifiers fewer, and more evenly.",
    items=(FIGURE1, FIGURE2, TABLE1),
    source="The paper itself was not to be had: its Figure 2 was read off an image of it, its table of errors is from "
    "memory, and what it says is from summaries.",
    open_points=TRAINING,
)
