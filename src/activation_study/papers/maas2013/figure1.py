"""Figure 1: the functions."""

import pandas as pd
import torch
from matplotlib.figure import Figure

from activation_study import activations
from activation_study.figures.style import GREY, context, finish, legend, looks, panels
from activation_study.papers.item import Item, Made, Scale
from activation_study.papers.maas2013.setup import ADDED, PAPERS_OWN


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By activation and x: h(x)."""
    x = torch.arange(-60, 61) / 20
    with torch.no_grad():
        values = {name: activations.build(name).eval()(x).numpy() for name in (*PAPERS_OWN, *ADDED)}
    return pd.DataFrame(values).assign(x=x.numpy()).melt("x", var_name="activation", value_name="h")


def _figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "x = w·i", "h(x)", height=0.75)
        for ax, title, names in zip(axes, ("the paper's three", "further activations"), (PAPERS_OWN, ADDED),
                                    strict=True):  # fmt: skip
            for name, look in looks(names).items():
                rows = table[table.activation == name]
                ax.plot(rows.x, rows.h, color=look.color, linestyle=look.dashes)
            ax.axhline(0, color=GREY, linewidth=0.6)
            ax.axvline(0, color=GREY, linewidth=0.6)
            ax.set(xlim=(-3, 3), ylim=(-1.05, 2), title=title)
        legend(figure, table.activation)
        drawn = "PReLU with the slope that it starts from, RReLU with the slope of testing"
        return finish(figure, "Maas et al. 2013, Figure 1", f"{drawn} · {note}")


FIGURE1 = Item(
    name="figure1",
    shows="The functions: tanh, ReLU and LReLU, and the others of the study.",
    paper_says="tanh, ReL and LReL for x from -3 to 3. LReL is the identity above zero and 0.01 x below, so near to "
    "ReL that the two can hardly be told apart.",
    scales={
        "paper": Scale(1, 0.1),
        "desk": Scale(1, 0.1),
        "smoke": Scale(1, 0.1, cut="Nothing: this is computed."),
    },
    table=_table,
    figure=_figure,
)  # fmt: skip
