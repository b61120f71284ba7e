"""He, Zhang, Ren & Sun 2015: PReLU, and the initialization that suits rectifiers; on CIFAR-10 in place of ImageNet."""

from activation_study.papers.he2015.convergence import FIGURE2, FIGURE3
from activation_study.papers.he2015.factor import FACTOR
from activation_study.papers.he2015.setup import DENSE_SAID, IMAGES_SAID
from activation_study.papers.he2015.slopes import TABLE1, TABLE2
from activation_study.papers.he2015.start import START
from activation_study.papers.he2015.worked_example import WORKED_EXAMPLE
from activation_study.papers.item import Paper

PAPER = Paper(
    name="he2015",
    reference="He, Zhang, Ren & Sun, 2015: Delving Deep into Rectifiers: Surpassing Human-Level Performance on "
    "ImageNet Classification, ICCV",
    about="PReLU learns its slope below zero. Weights whose variance takes into account that rectifiers halve that of "
    "a signal let plain networks of 30 layers learn, which Glorot & Bengio's do not. Beside it stands the slope that "
    "Zhang, Botev & Martens 2022 tailor to a depth.",
    items=(WORKED_EXAMPLE, FACTOR, START, TABLE1, TABLE2, FIGURE2, FIGURE3),
    open_points=f"{IMAGES_SAID} {DENSE_SAID}",
)
