"""Clevert, Unterthiner & Hochreiter 2016: ELU."""

from activation_study.papers.clevert2016.cifar import FIGURE4, FIGURE5, OPEN
from activation_study.papers.clevert2016.cifar10 import CIFAR10
from activation_study.papers.clevert2016.large import TABLE1
from activation_study.papers.clevert2016.mnist import FIGURE2, FIGURE3
from activation_study.papers.item import Paper

PAPER = Paper(
    name="clevert2016",
    reference="Clevert, Unterthiner & Hochreiter, 2016: Fast and Accurate Deep Network Learning by Exponential Linear "
    "Units (ELUs), ICLR",
    about="ELU lets activations be negative and so keeps their mean near zero, which brings the gradient nearer to the "
    "natural gradient. The paper finds faster learning than with ReLU and LReLU on MNIST and lower errors on CIFAR.",
    items=(FIGURE2, FIGURE3, FIGURE4, FIGURE5, CIFAR10, TABLE1),
    open_points=OPEN,
)
