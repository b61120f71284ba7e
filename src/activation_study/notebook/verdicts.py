"""Some runs, picked: their table, their differences, and what they let one conclude."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from IPython.display import Markdown
from matplotlib.figure import Figure

from activation_study import figures
from activation_study.comparison import selection, text
from activation_study.comparison.differences import differences, reference_of
from activation_study.comparison.sentences import conclusions
from activation_study.comparison.summary import summary
from activation_study.comparison.variants import kind
from activation_study.errors import refuse
from activation_study.notebook.choosing import Chooser, Several, widget
from activation_study.notebook.demo import on_disk, preset
from activation_study.runs import Tables


def verdict(tables: Tables, variants: Sequence[str] = (), depth: int | None = None) -> list[Markdown | Figure]:
    """The table of some variants at one depth, their differences to ReLU or the first, and what follows from them.

    Args:
        tables: runs that can be compared; where learning rates were tuned, each variant is measured at its best.
        variants: by their labels; all, where none is given.
        depth: of the networks; the deepest, where none is given.
    """
    tuning_seeds = preset().tune.seeds
    wanted = list(variants) or list(tables.metrics["variant"].unique())
    depth = tables.metrics["depth"].max() if depth is None else depth
    picked = _only(tables, wanted, depth)
    grid = picked._replace(metrics=picked.metrics[picked.metrics["seed"].isin(tuning_seeds)])
    picked = selection.chosen(picked, tuning_seeds)
    compared, against = kind(picked.metrics), differences(picked.metrics, reference_of(picked.metrics))
    said = [f"- {text.as_markdown(one)}" for one in
            conclusions(against, picked, grid if len(grid.metrics) else None)]  # fmt: skip
    table = text.markdown(text.of_summary(summary(picked), compared))
    return [Markdown("\n".join([*said, "", table])), figures.differences(picked.metrics)]


def choose_verdict(**groups: Callable[[], Tables]) -> None:
    """Shows the verdict of runs that are picked: a group that can be compared, some of its variants, a depth.

    Args:
        groups: what gives the tables of a group, by its name; those of the runs on disk come after them.
    """
    chooser_of({**groups, **on_disk()})


def chooser_of(groups: dict[str, Callable[[], Tables]]) -> Chooser:
    """The widgets of `choose_verdict`."""
    read = functools.cache(lambda name: groups[name]())
    first = read(next(iter(groups)))
    widgets: dict[str, Any] = {
        "runs": widget("runs", groups),
        "variants": widget("variants", Several(_variants(first))),
        "depth": widget("depth", _depths(first)),
    }

    def draw(runs: str, variants: Sequence[str], depth: int) -> list[Markdown | Figure]:
        return verdict(read(runs), variants, depth)

    chooser = Chooser(draw, widgets)

    def others(change: dict[str, Any]) -> None:
        """What another group has to choose from."""
        tables = read(change["new"])
        with chooser.silent():
            widgets["variants"].options = _variants(tables)
            widgets["variants"].value = tuple(_variants(tables))
            widgets["depth"].options = _depths(tables)
        chooser.redraw()

    widgets["runs"].observe(others, "value")
    return chooser


def _only(tables: Tables, variants: Sequence[str], depth: float) -> Tables:
    metrics, layers = tables.metrics, tables.layers
    metrics = metrics[metrics["variant"].isin(variants) & (metrics["depth"] == depth)]
    if metrics.empty:
        found = ", ".join(map(str, _depths(tables)))
        refuse("depth", depth, f"no run of {', '.join(variants)} has it; the depths are {found}")
    if len(layers):
        layers = layers[layers["variant"].isin(variants) & (layers["depth"] == depth)]
    names = set(metrics["run"])
    return Tables(metrics, layers, [run for run in tables.runs if run.name in names])


def _variants(tables: Tables) -> list[str]:
    return [str(label) for label in tables.metrics["variant"].unique()]


def _depths(tables: Tables) -> list[int]:
    return sorted(int(depth) for depth in tables.metrics["depth"].dropna().unique())[::-1]
