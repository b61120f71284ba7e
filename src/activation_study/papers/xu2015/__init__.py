"""Xu, Wang, Chen & Li 2015: rectifiers with a slope below zero, RReLU among them, in Network in Network on CIFAR."""

from activation_study.papers.item import Paper
from activation_study.papers.xu2015.curves import FIGURE2, FIGURE3
from activation_study.papers.xu2015.errors import TABLE1, TABLE2
from activation_study.papers.xu2015.images import IMAGES
from activation_study.papers.xu2015.replications import REPLICATIONS
from activation_study.papers.xu2015.setup import OPEN
from activation_study.papers.xu2015.test_rules import TEST_RULES

PAPER = Paper(
    name="xu2015",
    reference="Xu, Wang, Chen & Li, 2015: Empirical Evaluation of Rectified Activations in Convolutional Network, ICML "
    "Deep Learning Workshop",
    about="A slope below zero makes fewer errors than none, a large one fewer than a small one, and one that is drawn "
    "at random the fewest; a learned slope fits the training images best and not the others. Single networks, without "
    "intervals.",
    items=(TABLE1, FIGURE2, TABLE2, FIGURE3, TEST_RULES, IMAGES, REPLICATIONS),
    source="The paper itself was not to be had: most of its test errors are as others quote them, its training errors "
    "from memory. Its functions were read in its authors' own code.",
    open_points=OPEN,
)
