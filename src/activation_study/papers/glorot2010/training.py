"""Figures 9 and 11: weight gradients, and the error, while the networks are trained."""

import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.figures.divergence import note as diverged_note
from activation_study.figures.style import context, finish, log_ticks, panels
from activation_study.papers.glorot2010.drawing import error_curves, key, shades
from activation_study.papers.glorot2010.networks import (
    KINDS,
    PIXELS,
    SHALLOW,
    hidden_layers,
    option,
    plan_of,
    scales_of,
)
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences, level, ratios

MOMENTS = 20  # of the curves that are kept
BY_LAYER = tuple(dict.fromkeys(("tanh", "tanh N", "tanh, He", *KINDS)))  # the paper's two first


def _figure9_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind, seed, update and layer: root mean square of the weight gradients, mean over some updates."""
    width, pixels = int(option(scale, "model.width")), PIXELS[option(scale, "dataset")]
    rows = hidden_layers(made)
    weights = width * rows.layer.map(lambda layer: pixels if layer == 1 else width)
    piece = max(1, (rows.step.max() + 1) // MOMENTS)
    rows = rows.assign(gradient=rows.grad_norm / weights**0.5, step=(rows.step + piece - 1) // piece * piece)
    return rows.groupby(["kind", "seed", "step", "layer"], as_index=False)["gradient"].mean()


def _figure9(table: pd.DataFrame, note: str) -> Figure:
    """The paper's two panels first, then the others."""
    with context():
        figure, axes = panels(len(BY_LAYER), "updates (thousands)", "weight gradient", height=0.7)
        for ax, kind in zip(axes, BY_LAYER, strict=True):
            of_kind = table[table.kind == kind]
            rows = of_kind[of_kind.gradient > 0]
            for layer, shade in enumerate(shades(table.layer.max()), 1):
                mean = rows[rows.layer == layer].groupby("step")["gradient"].mean()
                ax.plot(mean.index / 1000, mean, color=shade, linewidth=1.0)
            ax.set_yscale("log")
            ax.set_title(kind)
            goes_on = of_kind[of_kind.layer == 1].gradient.notna()
            diverged_note(ax, goes_on.groupby(of_kind.step).sum(), of_kind.seed.nunique())
        log_ticks(axes[0].yaxis)
        key(figure, layers=table.layer.max())
        drawn = "5 hidden layers · root mean square over a layer's weights, mean over seeds · N: normalised"
        return finish(figure, "Glorot & Bengio 2010, Figure 9", f"{drawn} · {note}")


def _late(table: pd.DataFrame) -> pd.DataFrame:
    """Of the second half of training, by kind and seed: a column for the gradients of every layer."""
    late = table[table.step > table.step.max() / 2]
    return late.groupby(["kind", "seed", "layer"])["gradient"].mean().unstack("layer").astype(float)


def _lower_larger(table: pd.DataFrame, where: str) -> list[Part]:
    tanh = _late(table).loc["tanh"].rename(columns=lambda layer: f"layer {layer}")
    return ratios(tanh, where, "tanh, second half", [("layer 1", f"layer {len(tanh.columns)}")], Range(low=1),
                  "weight gradient")  # fmt: skip


def _stays_together(table: pd.DataFrame, where: str) -> list[Part]:
    late = _late(table)
    apart = (late.max(axis=1) / late.min(axis=1)).unstack("kind")
    return ratios(apart, where, "second half", [("tanh N", "tanh")], Range(high=1),
                  "weight gradient, largest layer over smallest")  # fmt: skip


FIGURE9 = Item(
    name="figure9",
    shows="Size of the weight gradients of every layer over training, MNIST.",
    paper_says="Standard deviation of the weight gradients of tanh. Standard initialization: the layers, alike at the "
    "start, come apart, with larger gradients in the lower ones. Normalised initialization: they stay together.",
    scales=scales_of({"paper": 30000, "desk": 60, "smoke": 0.3}),
    plan=lambda scale: plan_of(BY_LAYER),
    table=_figure9_table,
    figure=_figure9,
    findings=(
        Finding(
            "glorot-gradients-diverge",
            "With the standard initialization lower layers have larger weight gradients as training goes on.",
            "The root mean square of the weight gradients in the second half of training, tanh, layer 1 over layer 5: "
            "above 1.",
            _lower_larger,
        ),
        Finding(
            "glorot-gradients-together",
            "With the normalised initialization the weight gradients of the layers stay closer together in training.",
            "The largest layer's over the smallest's in the second half of training, tanh, normalised over standard "
            "initialization: below 1.",
            _stays_together,
        ),
    ),
    open_points="For the standard deviation stands the root mean square, from which the mean gradient of a "
    "layer, near 0, makes little difference.",
)  # fmt: skip


def _figure11_table(made: Made, scale: Scale) -> pd.DataFrame:
    """By kind, seed and update: the share of the validation images that are classified wrongly."""
    rows = made.table("metrics").query("split == 'valid'")
    error = (1 - rows.accuracy).fillna(1.0)  # a network that has diverged has learned nothing
    return rows.assign(kind=rows.label, error=100 * error)[["kind", "seed", "step", "error"]].reset_index(drop=True)


def _figure11(table: pd.DataFrame, note: str) -> Figure:
    own = [kind for kind in table.kind.unique() if kind not in KINDS or "init=he" not in KINDS[kind]]
    with context():
        figure, axes = panels(2, "examples seen (thousands)", "validation error (%)", height=0.85)
        for ax, title, kinds in ((axes[0], "the paper's own", own),
                                 (axes[1], "further activations", [*set(KINDS) - set(own), "tanh N"])):  # fmt: skip
            ax.set_title(title)
            error_curves(ax, table[table.kind.isin(kinds)])
            ax.set_yscale("log")
        log_ticks(axes[0].yaxis)
        key(figure, labels=table.kind)
        networks = "5 hidden layers unless it says 4 · N: normalised; rectifiers: He"
        drawn = f"{networks} · mean over the seeds that go on, a cross where one diverges"
        return finish(figure, "Glorot & Bengio 2010, Figure 11", f"{drawn} · {note}")


def _deeper_is_stuck(table: pd.DataFrame, where: str) -> list[Part]:
    end = table[table.step == table.step.max()].pivot(index="seed", columns="kind", values="error")
    return differences(end, where, "at the end", [("sigmoid", SHALLOW)], Range(low=0), "validation error in points")


def _on_a_plateau(table: pd.DataFrame, where: str) -> list[Part]:
    """The share of the training for which a network has hardly learned anything."""
    sigmoid = table[table.kind == SHALLOW]
    waits = sigmoid.assign(waits=sigmoid.error > sigmoid.error.max() * 0.8).groupby("seed")["waits"].mean()
    tanh = table[table.kind == "tanh"]
    learns = tanh.assign(waits=tanh.error > sigmoid.error.max() * 0.8).groupby("seed")["waits"].mean()
    return [
        *differences(pd.DataFrame({SHALLOW: waits, "tanh": learns}), where, "all records", [(SHALLOW, "tanh")],
                     Range(low=0), "share of the records with more than four fifths of the error at first", 2),
        level(waits, where, "all records", SHALLOW, Range(high=1), "that share", 2),
    ]  # fmt: skip


FIGURE11 = Item(
    name="figure11",
    shows="Error on unseen images against the examples seen, MNIST.",
    paper_says="On the paper's synthetic images: five layers of sigmoids stay at 83 %; four stay on a plateau until "
    "about 7 million examples and then fall to about 35 %. Tanh reaches about 27 %, softsign and both with the "
    "normalised initialization about 16 %, with pre-training about 11 %.",
    scales=scales_of({"paper": 30000, "desk": 60, "smoke": 0.3}),
    plan=lambda scale: plan_of([SHALLOW, *KINDS]),
    table=_figure11_table,
    figure=_figure11,
    findings=(
        Finding(
            "glorot-sigmoid-depth",
            "Four layers of sigmoids learn what five do not.",
            "The validation error at the end, five layers less four: above 0.",
            _deeper_is_stuck,
            "On MNIST five layers leave their plateau as well, only later than four.",
        ),
        Finding(
            "glorot-sigmoid-plateau",
            "Four layers of sigmoids stay on a plateau at first, where tanh does not, and then leave it.",
            "The share of the records in which the error is above four fifths of the highest: with four layers of "
            "sigmoids more than with tanh, and below 1.",
            _on_a_plateau,
        ),
    ),
    open_points="The curves are those of validation images, for the test images are read once, at the end. "
    "Pre-training is left out.",
)  # fmt: skip
