"""The network of Figures 4 and 5 on CIFAR-10, which the paper does not show."""

from dataclasses import replace
from functools import partial

from activation_study.papers.clevert2016.cifar import FIGURE5, ORDER, TESTED, figure5
from activation_study.papers.item import Finding

CIFAR10 = replace(
    FIGURE5,
    name="cifar10",
    shows="The network of 11 layers with and without batch normalisation, CIFAR-10.",
    paper_says="Nothing of this network on CIFAR-10; the order that it finds on CIFAR-100 should hold here too.",
    scales={
        name: scale if scale.value("dataset") else replace(scale, options=(*scale.options, "dataset=cifar10"))
        for name, scale in FIGURE5.scales.items()
    },
    figure=partial(figure5, title="Clevert et al. 2016, the network of Figure 5 on CIFAR-10"),
    findings=(Finding("clevert-order-cifar10", f"{ORDER} On CIFAR-10 too; ours.", *TESTED),),
)
