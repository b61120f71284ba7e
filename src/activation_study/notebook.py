"""What the notebooks share: runs that are trained where they are missing, and pictures, tables and choices in a cell.

Set ACTIVATION_STUDY_RUNS to keep the runs in another folder than results/runs, and ACTIVATION_STUDY_SCALE=smoke to see
every cell work within seconds, on networks too small to conclude anything from.
"""

import base64
import contextlib
import functools
import html
import io
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from IPython.display import Image, Markdown, display
from matplotlib.figure import Figure
from PIL import Image as Pillow

from activation_study import CONF, schema
from activation_study.activations import build
from activation_study.comparison import statistics, text
from activation_study.comparison.variants import kind
from activation_study.config import settings
from activation_study.errors import StudyError
from activation_study.figures.style import context, finish, layer_ticks, legend, looks, panels
from activation_study.figures.tables import INTERVAL, REPLICA, at_depth, checked, curve, footer, last_hidden
from activation_study.papers import PAPERS, page, results
from activation_study.runs import Run, Tables, available, read_runs
from activation_study.runs.groups import comparable
from activation_study.training.holders import holders

DATA = os.environ.get("ACTIVATION_STUDY_DATA", str(CONF.parent / "data"))
RUNS = Path(os.environ.get("ACTIVATION_STUDY_RUNS", CONF.parent / "results" / "runs"))
MADE = CONF.parent / "results" / "papers"  # the papers' items, which come with the repository
SMOKE = ("scale=smoke", "activations=[sigmoid,relu,prelu,elu]", "depths=[2,4]", "model.width=8", "seeds=2",
         "train.epochs=1", "dataset.train_limit=128")  # fmt: skip
PRESET = ("+experiment=demo", *(SMOKE if os.environ.get("ACTIVATION_STUDY_SCALE") == "smoke" else ()))
DPI = 110


@functools.cache
def preset(*overrides: str) -> Any:
    """The demo's configuration, with other choices where given; `.activations` and `.depths` are what it compares."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        plan = compose("compare", [*PRESET, *overrides])
    asked = schema.checked("compare", plan)
    plan.activations, plan.depths = asked["activations"], asked["depths"]
    return plan


def runs(*overrides: str, activations: Iterable[str] = (), depths: Iterable[int] = ()) -> Tables:
    """The demo's runs as tables; what is not on disk yet, and does not come with the repository, is trained now.

    Args:
        overrides: other choices than the demo's, as on the command line: "init=xavier".
        activations: by default those of the demo; with options where wanted: "elu activation.alpha=0.5".
        depths: by default those of the demo.
    """
    plans = [
        settings(preset(*overrides, *f"activation={activation}".split())) | {"runs_dir": str(RUNS), "data_dir": DATA}
        for activation in activations or preset(*overrides).activations
    ]
    found: list[Run] = []
    for depth in depths or preset(*overrides).depths:
        for chosen in plans:
            with contextlib.redirect_stdout(io.StringIO()):  # it says of each run that it is trained already
                found += holders(chosen | {"model": chosen["model"] | {"depth": depth}})
    return read_runs(dict.fromkeys(found))


def on_disk() -> dict[str, Callable[[], Tables]]:
    """The runs that there are, in groups that differ in activation and depth alone; each is read where it is called."""
    return {name: functools.partial(read_runs, group) for name, group in comparable(available.found(RUNS)).items()}


def picture(figure: Figure) -> Image:
    """A figure as a picture that a cell shows; its titles and footer are the text for those who cannot see it."""
    panels_shown = ", ".join(filter(None, (ax.get_title("left") for ax in figure.axes)))
    parts = filter(None, (figure.get_suptitle(), panels_shown, figure.get_supxlabel()))
    alt = " ".join(". ".join(parts).split()).replace(r"\$", "$")  # which `plain` has escaped
    return Image(_png(figure), format="png", embed=True, alt=alt)


def table(frame: pd.DataFrame, digits: int = 3) -> Markdown:
    """A table that every viewer of notebooks shows; numbers get so many significant digits."""
    texts = frame.map(lambda value: f"{value:#.{digits}g}".rstrip(".") if isinstance(value, float) else str(value))
    return Markdown(text.markdown(texts.replace("nan", "-")))


def choose(draw: Callable[..., Figure], **choices: Iterable[Any]) -> None:
    """Shows a figure with a dropdown for each argument of `draw`; without a running kernel, that of the first choices.

    Args:
        draw: makes the figure of one choice of each argument.
        choices: what each argument can be, as values or as pairs of a text and a value.
    """
    from ipywidgets import HTML, Dropdown, VBox
    from ipywidgets import Image as LiveImage

    dropdowns = {name: Dropdown(options=list(values), description=name) for name, values in choices.items()}

    def drawn() -> Image:
        return picture(draw(**{name: dropdown.value for name, dropdown in dropdowns.items()}))

    def redraw(change: object) -> None:
        said.value = "One moment: what is missing is being trained."
        try:
            shown.value, said.value = drawn().data, ""
        except StudyError as error:
            said.value = html.escape(str(error))

    for dropdown in dropdowns.values():
        dropdown.observe(redraw, "value")
    still = drawn()
    shown, said = LiveImage(value=still.data, format="png"), HTML()
    data = dict(VBox([*dropdowns.values(), said, shown])._repr_mimebundle_())
    data["text/plain"] = f"Choose {', '.join(choices)} where this notebook is running."
    data["image/png"] = base64.b64encode(still.data).decode()
    display(data, metadata={"image/png": {"alt": still.alt}}, raw=True)


def paper(name: str, item: str) -> list[Image | Markdown]:
    """An item of a paper as it was made: our figure, the paper's numbers beside ours, and the verdict."""
    one = PAPERS[name]
    wanted = one.item(item)
    result = results.read(MADE, one, wanted)
    if result is None:
        return [Markdown(f"**{name} {item}** is not made yet: `{page.command(one, wanted, 'desk')}`.")]
    said = [f"**{page.verdict(page.outcomes(one, wanted, result))}**"]
    if cells := wanted.cells(result.table):
        said.append(text.markdown(page.table_of(cells)))
    return [picture(wanted.figure(result.table, page.note(wanted, result))), Markdown("\n\n".join(said))]


def show(*parts: Image | Markdown) -> None:
    """Shows one after the other."""
    for part in parts:
        display(part)


def choose_paper() -> None:
    """Shows an item of a paper, with a dropdown of all that have been made."""
    made = {f"{name} {item.name}": (item, result) for name, one in PAPERS.items()
            for item in one.items if (result := results.read(MADE, one, item)) is not None}  # fmt: skip

    def draw(item: str) -> Figure:
        wanted, result = made[item]
        return wanted.figure(result.table, page.note(wanted, result))

    choose(draw, item=made)


def papers_made() -> pd.DataFrame:
    """One row per paper: what was made of it, and what has become of its claims."""
    rows = page.overview(list(PAPERS.values()), MADE)
    return rows.assign(paper=list(PAPERS))


def properties(names: Iterable[str]) -> pd.DataFrame:
    """What follows from the formula of each activation: its slopes, where it saturates, the gains that it needs."""
    z = torch.linspace(-20, 20, 40_001)
    rows = []
    for name in names:
        activation = build(name).eval()
        with torch.no_grad():
            slope = activation.slope(z)
        rows.append(
            {
                "activation": name,
                "largest slope": float(slope.max()),
                "slope at z = -5": float(slope[(z + 5).abs().argmin()]),
                "saturated below z =": activation.flat_below,
                "saturated above z =": activation.flat_above,
                "forward gain": activation.forward_gain,
                "backward gain": activation.backward_gain,
                "He's gain": activation.he_gain,
            }
        )
    return pd.DataFrame(rows).replace([float("inf"), float("-inf")], "never")


def layer_factors(layers: pd.DataFrame) -> pd.DataFrame:
    """The factor by which one hidden layer changes the back-propagated error before training, with its interval.

    Columns: activation or variant (see `variants.kind`), depth, n (replicas), factor (geometric mean over layers and
    replicas), low, high.
    """
    start = layers[(layers.step == 0) & layers.hidden]
    wide = start.pivot(index=REPLICA, columns="layer", values="error_rms")
    rows, compared = [], kind(start)
    for variant in looks(start.variant):
        for depth, errors in wide.loc[variant].dropna(axis=1, how="all").groupby("depth"):
            errors = errors.dropna(axis=1, how="all")
            per_layer = (errors.iloc[:, 0] / errors.iloc[:, -1]) ** (1 / (errors.shape[1] - 1))
            estimate = statistics.geometric_mean(per_layer)._asdict()
            rows.append({compared: variant, "depth": depth, "n": len(errors), "factor": estimate.pop("value")})
            rows[-1] |= estimate
    return pd.DataFrame(rows)


def error_and_bound(layers: pd.DataFrame, bounds: Mapping[str, float], depth: int | None = None) -> Figure:
    """Back-propagated error before training, relative to the last hidden layer, and the most that theory allows.

    Args:
        layers: the table of that name.
        bounds: for each label in the column `variant`, the largest factor of one layer.
        depth: of the networks; by default the deepest that all share.
    """
    rows = at_depth(checked(layers, ["layer", "hidden", "step", "error_rms", "grad_norm"]), depth)
    rows = rows[(rows.step == 0) & rows.hidden]
    last = rows[rows.layer == last_hidden(rows)].set_index(REPLICA).error_rms
    rows = rows.assign(relative=rows.error_rms / last.loc[pd.MultiIndex.from_frame(rows[REPLICA])].to_numpy())
    hidden = last_hidden(rows)
    with context():
        figure, (ax,) = panels(1, "hidden layer (1 = at the input)", "error, relative to the last hidden layer")
        figure.set_size_inches(8, 3.6)
        for label, look in looks(rows.variant).items():
            line = curve(rows[rows.variant == label], "relative", "layer", log=True)
            bound = [bounds[label] ** (hidden - layer) for layer in line.index]
            ax.plot(line.index, line["mean"], color=look.color, marker=look.marker, markevery=max(1, hidden // 8))
            ax.fill_between(line.index, line.low, line.high, color=look.color, alpha=0.18, linewidth=0)
            ax.plot(line.index, bound, color=look.color, linestyle=(0, (2, 2)), linewidth=1)
        ax.set_yscale("log")
        ax.set_xticks(*layer_ticks(hidden))
        legend(figure, rows.variant, {"measured": "-", "largest expected": (0, (2, 2))})
        drawn = f"solid: geometric mean, bands: {INTERVAL}, dashed: largest slope times the scale of the weights"
        return finish(figure, "Back-propagated error before training", footer(rows, drawn, "grad_norm"))


def profile(layers: pd.DataFrame, value: str, label: str, depth: int | None = None) -> Figure:
    """One quantity through the hidden layers, before and after training, one line per variant.

    Args:
        layers: the table of that name.
        value: its column to draw.
        label: what to call it.
        depth: of the networks; by default the deepest that all share.
    """
    rows = at_depth(checked(layers, ["layer", "hidden", "step", "grad_norm", value]), depth)
    rows = rows[rows.hidden]
    ends = rows.groupby("variant").step.transform("max")
    moments = {"before training": rows[rows.step == 0], "after training": rows[rows.step == ends]}
    with context():
        figure, axes = panels(2, "hidden layer (1 = at the input)", label, height=0.8)
        for ax, (moment, part) in zip(axes, moments.items(), strict=True):
            for name, look in looks(part.variant).items():
                line = curve(part[part.variant == name], value, "layer")
                ax.plot(line.index, line["mean"], color=look.color, linestyle=look.dashes, marker=look.marker,
                        markevery=max(1, len(line) // 8))  # fmt: skip
                ax.fill_between(line.index, line.low, line.high, color=look.color, alpha=0.18, linewidth=0)
            ax.set_title(moment)
        axes[0].set_xticks(*layer_ticks(last_hidden(rows)))
        legend(figure, rows.variant)
        drawn = f"lines: mean, bands: {INTERVAL}"
        return finish(figure, f"{label[:1].upper()}{label[1:]} by layer", footer(rows, drawn, "grad_norm"))


def _png(figure: Figure) -> bytes:
    """The figure in 256 colours, a third of the size that it has in millions of them."""
    drawn, small = io.BytesIO(), io.BytesIO()
    with context():
        figure.savefig(drawn, format="png", dpi=DPI)
    # Median cut, the usual method, would give rare colours away, such as that of a title.
    few = Pillow.open(drawn).convert("RGB").quantize(256, Pillow.Quantize.FASTOCTREE, dither=Pillow.Dither.NONE)
    few.save(small, format="PNG", optimize=True)
    return small.getvalue()
