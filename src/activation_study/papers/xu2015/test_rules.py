"""RReLU in testing: one trained network, three slopes below zero."""

import math

import pandas as pd
from matplotlib.figure import Figure

from activation_study.claims.ledger import Part, Range
from activation_study.comparison import statistics
from activation_study.figures.style import context, finish, panels
from activation_study.papers.item import Finding, Item, Made, Scale
from activation_study.papers.parts import differences
from activation_study.papers.xu2015 import errors
from activation_study.papers.xu2015.setup import DESK, DESK_CUT, PUBLISHED, SMOKE, SMOKE_CUT

PAPERS, MEAN, TORCHS = "2 / (3 + 8)", "mean in training", "torch's"
SLOPES = {PAPERS: 1 / 5.5, MEAN: math.log(8 / 3) / 5, TORCHS: 11 / 48}
# The networks as they were left, looked at with another rule: nothing is trained, so the network is the same.
AGAIN = {MEAN: "activation.test_slope=mean", TORCHS: "activation.variant=torch"}
# Epochs by the width that a scale gives. What a scale sets holds for all runs, and these are looked at with none.
EPOCHS = {each.value("model.width"): each.value("train.epochs") for each in errors.TABLE1.scales.values()}
COLORS = {"train": "#0072B2", "test": "#D55E00"}


def _without_epochs(options: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(option for option in options if not option.startswith("train.epochs="))


def _plan(scale: Scale) -> dict[str, list[str]]:
    epochs = EPOCHS[scale.value("model.width")]
    trained = [*errors.plan("cifar10")(scale)["rrelu"], f"train.epochs={epochs}"]
    return {PAPERS: trained, **{rule: [*trained, choice, f"model.start_from={PAPERS}", "train.epochs=0"]
                                for rule, choice in AGAIN.items()}}  # fmt: skip


def _table(made: Made, scale: Scale) -> pd.DataFrame:
    """By rule and seed: errors in per cent on training and test images."""
    metrics = made.table("metrics").query("split != 'valid'")
    last = metrics[metrics.step == metrics.groupby("label")["step"].transform("max")]
    error = 100 * (1 - last.accuracy.fillna(0))
    wide = last.assign(error=error).pivot(index=["label", "seed"], columns="split", values="error")
    return wide[["train", "test"]].reset_index().rename(columns={"label": "rule"})


def _figure(table: pd.DataFrame, note: str) -> Figure:
    with context():
        figure, axes = panels(2, "slope below zero in testing", "error (%)", sharey=False, height=0.9)
        for ax, split in zip(axes, COLORS, strict=True):
            errors_by_seed = table.pivot(index="seed", columns="rule", values=split)[list(SLOPES)]
            for _, row in errors_by_seed.iterrows():
                ax.plot(list(SLOPES.values()), row, color=COLORS[split], linewidth=0.5)
            means = [statistics.mean(errors_by_seed[rule]).value for rule in SLOPES]
            ax.plot(list(SLOPES.values()), means, "o-", color=COLORS[split])
            ax.set_xticks(list(SLOPES.values()), [f"{rule}\n{slope:.4f}" for rule, slope in SLOPES.items()], fontsize=6)
            ax.set_title({"train": "training images", "test": "test images"}[split])
        drawn = "cifar10, RReLU · thin: each network, thick: mean"
        return finish(figure, "Xu et al. 2015, RReLU's rules of testing", f"{drawn} · {note}")


def _papers_is_best(table: pd.DataFrame, where: str) -> list[Part]:
    found = table.pivot(index="seed", columns="rule", values="test").astype(float)
    return differences(found, where, "the same networks", [(PAPERS, MEAN), (PAPERS, TORCHS)], Range(high=0),
                       "test error in points")  # fmt: skip


TEST_RULES = Item(
    name="test_rules",
    shows="Errors of the same RReLU networks with three slopes in testing: 1/5.5, the mean of training, and torch's.",
    paper_says="The paper tests with x / 5.5, the mean of the divisors. The mean slope of training is ln(8/3)/5 = "
    "0.1962; its authors' code tested with that for two months of 2015, and then went back, since 5.5 does better. "
    "torch draws slopes and not divisors, and tests with their mean, 11/48 = 0.2292.",
    scales={
        "paper": Scale(5, 3300, _without_epochs(PUBLISHED)),
        "desk": Scale(3, 65, _without_epochs(DESK), DESK_CUT),
        "smoke": Scale(2, 0.3, _without_epochs(SMOKE), SMOKE_CUT),
    },
    plan=_plan,
    table=_table,
    figure=_figure,
    findings=(
        Finding(
            "xu-test-slope",
            "RReLU tested with 1/5.5 makes fewer errors than with the mean slope of training, or torch's.",
            "Test error of the same networks, 1/5.5 less each of the others: below 0 points.",
            _papers_is_best,
        ),
    ),
    open_points="The networks are those of Table 1; nothing is trained between the rules.",
)
