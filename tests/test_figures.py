"""Every figure drawn from small made-up tables; the numbers are plausible, not results."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from activation_study import figures
from activation_study.comparison.quantities import counted
from activation_study.errors import StudyError
from activation_study.figures import gradients
from activation_study.figures.divergence import PALE
from activation_study.figures.end_labels import spread
from activation_study.figures.fingerprint import fingerprint, of_file
from activation_study.figures.style import ARTICLE, COLORS, OTHERS, alike, looks
from activation_study.figures.tables import curve
from activation_study.runs import Tables as Runs

# Slope with which the made-up gradients fade from layer to layer, and the best accuracy.
FADES = {"sigmoid": 0.22, "tanh": 0.8, "relu": 0.95, "lrelu": 0.96, "vlrelu": 0.98, "prelu": 1.0, "rrelu": 0.97,
         "elu": 1.02}  # fmt: skip
BEST = {"sigmoid": 0.93, "tanh": 0.972, "relu": 0.979, "lrelu": 0.98, "vlrelu": 0.981, "prelu": 0.978, "rrelu": 0.983,
        "elu": 0.982}  # fmt: skip
SATURATED = {"sigmoid": 0.3, "tanh": 0.25, "relu": 0.5, "elu": 0.2}
Tables = tuple[pd.DataFrame, pd.DataFrame]


def tables(activations: list[str], depths: list[int], seeds: int = 2, epochs: int = 2, diverged: int = 0) -> Tables:
    """Metrics and layers of a small study; the last `diverged` seeds of relu at the greatest depth diverge half-way."""
    draws = np.random.default_rng(0)
    metrics, layers = [], []
    for activation, depth, seed in itertools.product(activations, depths, range(seeds)):
        replica = {"run": f"{activation}-{depth}", "activation": activation, "variant": activation,
                   "dataset": "mnist", "model": "mlp", "depth": depth, "seed": seed, "learning_rate": 0.01,
                   "scale": "desk"}  # fmt: skip
        lost = activation == "relu" and depth == max(depths) and seed >= seeds - diverged
        fade = FADES.get(activation, 0.9)
        best = BEST.get(activation, 0.97) + 0.002 * draws.normal()
        best = 0.1135 if fade**depth < 1e-6 else best - 0.001 * depth
        for epoch in range(epochs + 1):
            learned = 1 - np.exp(-3 * epoch / epochs)
            gone = lost and epoch > epochs / 2
            for split in ["train", "valid"] + ["test"] * (epoch == epochs):
                gap = 0.0 if split == "train" else 0.008 * learned
                accuracy = 0.1 + (best - gap - 0.1) * learned + 0.003 * draws.normal()
                loss = 2.4 * (1 - accuracy) ** 1.2
                metrics.append(replica | {"epoch": epoch, "step": 100 * epoch, "split": split,
                                          "loss": np.nan if gone else loss, "accuracy": np.nan if gone else accuracy,
                                          "seconds": 1.0 * epoch})  # fmt: skip
            for step in [0] if epoch == 0 else [100 * epoch - 50, 100 * epoch]:
                layer = np.arange(1, depth + 2)
                norm = (1 + 4 * learned) * fade ** (depth + 1 - layer) * np.exp(0.3 * draws.normal(size=depth + 1))
                hidden = np.where(layer <= depth, 1.0, np.nan)
                share = SATURATED.get(activation, 0.0) * (1 + 0.5 * learned * layer / depth) * hidden
                dead = share / 5 if activation == "relu" else 0 * hidden
                mean = (0.5 if activation == "sigmoid" else 0.3 - 0.3 * (activation in ("elu", "tanh"))) * hidden
                layers.append(pd.DataFrame(replica | {
                    "epoch": epoch, "step": step, "layer": layer, "hidden": layer <= depth,
                    "grad_norm": np.nan if gone else norm,
                    "error_rms": norm / 10, "mean": mean + 0.1 * learned * layer / depth, "std": hidden,
                    "slope_mean": fade * hidden, "saturated": np.nan if gone else share, "inactive": 0.5 * hidden,
                    "dead": dead if step == 100 * epoch else np.nan, "sparsity": share, "learned_slope": np.nan,
                }))  # fmt: skip
    return pd.DataFrame(metrics, index=[0] * len(metrics)), pd.concat(layers)  # joined tables repeat their index


@pytest.fixture(scope="module")
def small() -> Tables:
    return tables(["sigmoid", "relu", "elu(alpha=0.5)"], [2, 5], seeds=3, diverged=1)


def draw(figure: Figure) -> None:
    """Draws without the layout, which takes most of the time."""
    figure.set_layout_engine("none")
    figure.draw_without_rendering()


def footer_of(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def title_colors(figure: Figure) -> dict[str, str]:
    return {ax.get_title("left"): to_hex(ax._left_title.get_color()) for ax in figure.axes if ax.get_title("left")}


@pytest.mark.parametrize("name", figures.FIGURES)
def test_every_figure_draws_with_labels_and_leaves_nothing_behind(name, small):
    import matplotlib
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    entry = figures.FIGURES[name]
    figure = entry(*small)
    draw(figure)

    assert figure.get_suptitle()
    assert footer_of(figure).startswith("To see: ")
    assert entry.description.endswith(".")
    assert any(ax.get_xlabel() for ax in figure.axes)
    assert any(ax.get_ylabel() for ax in figure.axes)
    if name != "functions":
        assert " mnist, mlp · depth" in footer_of(figure)
        assert "3 seeds · scale desk · learning rate 0.01" in footer_of(figure)
        assert "replicas diverged (relu 1)" in footer_of(figure)
    assert not pyplot.get_fignums()
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", ["learning_curves", "final_accuracy", "gradient_map"])
def test_ten_activations_at_depth_32_fit_without_overlap(name):
    figure = figures.FIGURES[name](*tables([*FADES, "selu", "elu(alpha=0.5)"], [32], seeds=2, epochs=1))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)

    page = figure.bbox.padded(1)
    boxes = [ax.get_tightbbox(renderer) for ax in figure.axes]
    boxes += [legend.get_window_extent(renderer) for legend in figure.legends]
    assert all(page.contains(box.x0, box.y0) and page.contains(box.x1, box.y1) for box in boxes)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("name", ["learning_curves", "accuracy_by_depth"])
def test_curves_that_lie_on_one_another_get_a_panel_of_differences(name):
    metrics, layers = tables(["relu", "elu", "prelu"], [2, 5], seeds=4)
    *_, panel = figures.FIGURES[name](metrics, layers).axes
    assert panel.get_title("left") == "difference to relu"
    split = "test" if name == "accuracy_by_depth" else "valid"
    ends = counted(metrics)
    ends = ends[(ends.split == split) & (ends.epoch == ends.epoch.max()) & (ends.depth == 5)]
    by_seed = ends.pivot(index="seed", columns="variant", values="accuracy")
    lines = [line for line in panel.lines if len(line.get_ydata()) > 1]
    ours = {line.get_color(): line.get_ydata()[-1] for line in reversed(lines)}  # behind a line come its bars' ends
    for label in ("relu", "elu", "prelu"):
        expected = 100 * (by_seed[label] - by_seed.relu).mean()
        assert ours[ARTICLE[label].color] == pytest.approx(expected, abs=1e-9)
    low, high = panel.get_ylim()
    assert 0 < high == -low < 10


@pytest.mark.parametrize("name", ["learning_curves", "accuracy_by_depth"])
def test_one_variant_has_nothing_to_differ_from(name):
    titles = [ax.get_title("left") for ax in figures.FIGURES[name](*tables(["relu"], [2, 5])).axes]
    assert not any("difference" in title for title in titles)


def test_a_fingerprint_is_that_of_what_is_shown(small, tmp_path):
    """It differs with a number, not with the drawing; a PNG carries it."""
    metrics, layers = small
    changed = metrics.assign(accuracy=metrics.accuracy.where(metrics.seed > 0, metrics.accuracy * 0.99))
    for name, entry in figures.FIGURES.items():
        figure = entry(metrics, layers)
        assert fingerprint(figure) == fingerprint(entry(metrics, layers))
        if "metrics" in entry.tables and name != "ranks":  # which may stay as they were
            assert fingerprint(figure) != fingerprint(entry(changed, layers))
    before = fingerprint(figure)
    png, _ = figures.save(figure, tmp_path / "figure")
    assert of_file(png) == before == fingerprint(figure)


def test_an_activation_has_the_same_color_everywhere(small):
    expected = {label: to_hex(look.color) for label, look in looks(small[0].variant).items()}
    assert expected["relu"] == to_hex(ARTICLE["relu"].color)
    for name in ("gradient_lines", "gradient_map", "saturation", "mean_activation", "dead_units"):
        shown = title_colors(figures.FIGURES[name](*small))
        assert shown == {label: color for label, color in expected.items() if label in shown}
        assert "relu" in shown
    for name in ("gradient_profile", "accuracy_by_depth", "learning_curves"):
        (legend,) = figures.FIGURES[name](*small).legends
        shown = {line.get_label(): to_hex(line.get_color()) for line in legend.get_lines()}
        assert shown | expected == shown


def test_looks_are_stable_and_distinct():
    assert looks(["mine", "relu"])["mine"] == looks(["mine"])["mine"]
    others = [f"elu(alpha={k})" for k in range(COLORS)]
    chosen = looks([*ARTICLE, *others])
    assert list(chosen)[:8] == list(ARTICLE)
    assert len({look.color for look in chosen.values()}) == len(chosen)
    assert len({(str(look.dashes), look.marker) for look in ARTICLE.values()}) == len(ARTICLE)


def test_looks_of_many_labels_differ_by_colour_and_marker():
    """Where lines are dashed by their split, these two are all that tells labels apart."""
    labels = [*ARTICLE, *(f"elu(alpha={k / 100})" for k in range(100))]
    chosen = looks(labels)
    assert len({(look.color, look.marker) for look in chosen.values()}) == len(labels)
    assert {label: chosen[label] for label in ARTICLE} == ARTICLE
    assert looks(reversed(labels)) == chosen
    assert alike(labels) == ""
    assert alike(map(str, range(len(OTHERS) + 2))) == "2 of 110 look like another: more than there are looks"


def test_a_figure_of_too_many_labels_says_so():
    many = pd.concat([tables(["elu"], [1], seeds=1, epochs=1)[0].assign(variant=f"a{k}") for k in range(110)])
    figure = figures.learning_curves(many)
    assert "2 of 110 look like another" in footer_of(figure)


NASTY = ["cash$2024_a_b$x", "_hidden", "a|b&c%d#e\\f^g~h{i}", r"\frac$", "$", "花の名前", "two\nlines", "n" * 230,
         "n" * 229 + "m", "relu"]  # fmt: skip


@pytest.mark.parametrize("name", [*(name for name, entry in figures.FIGURES.items() if entry.tables), "learning_rates"])
def test_names_are_drawn_letter_by_letter(name):
    metrics, layers = tables(NASTY, [2], seeds=2, epochs=1)
    for table in (metrics, layers):
        table["dataset"], table["model"] = "cash$2024_a_b$x " * 20, "花$"
    figure = figures.learning_rates(metrics) if name == "learning_rates" else figures.FIGURES[name](metrics, layers)
    draw(figure)
    shown = [text for text in figure.findobj(Text) if "2024" in text.get_text()]
    assert shown
    for text in shown:
        drawn, math = text._preprocess_math(text.get_text())
        assert not math
        assert "cash$2024_a_b$x" in drawn
    for key in figure.legends:
        labels = [text.get_text() for text in key.get_texts()]
        assert len(set(labels)) == len(labels)
        assert max(map(len, labels)) < 100


def test_functions_of_any_name_are_drawn():
    from activation_study import activations

    draw(figures.functions({label: activations.build("elu") for label in [*NASTY, os.fsdecode(b"caf\xe9")]}))


@pytest.mark.parametrize("count", [20, 70])
def test_the_key_of_many_labels_fits(count):
    metrics, _ = tables(["elu"], [1], seeds=1, epochs=1)
    figure = figures.learning_curves(pd.concat([metrics.assign(variant=f"elu(alpha={k})") for k in range(count)]))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    (key,) = figure.legends
    box, page = key.get_window_extent(renderer), figure.bbox.padded(1)
    assert page.contains(box.x0, box.y0)
    assert page.contains(box.x1, box.y1)
    assert not any(ax.get_window_extent(renderer).overlaps(box) for ax in figure.axes)


# Machado et al. 2009, full severity: what a color looks like to eyes without one kind of cone, in linear RGB.
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


@pytest.mark.parametrize("sight", SIGHT)
def test_colors_of_the_article_differ_to_every_eye(sight):
    def seen(color: str) -> np.ndarray:
        return np.clip(SIGHT[sight] @ np.array(to_rgb(color)) ** 2.2, 0, 1) ** (1 / 2.2)

    colors = [seen(look.color) for look in ARTICLE.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(colors, 2)) > 0.1


def test_save_writes_both_files_with_the_same_bytes_twice(small, tmp_path: Path):
    paths = figures.save(figures.final_accuracy(small[0]), tmp_path / "new" / "alpha=0.5")
    first = [path.read_bytes() for path in paths]
    again = figures.save(figures.final_accuracy(small[0]), tmp_path / "new" / "alpha=0.5")

    assert [path.name for path in paths] == ["alpha=0.5.png", "alpha=0.5.pdf"]
    assert first == [path.read_bytes() for path in again]
    assert len(first[0]) < 300_000
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["alpha=0.5.pdf", "alpha=0.5.png"]


def test_what_cannot_be_drawn_is_said_in_one_sentence(small):
    metrics, layers = small
    cases = [
        (figures.learning_curves, metrics.iloc[:0], "no rows"),
        (figures.learning_curves, pd.DataFrame(), "no rows"),
        (figures.saturation, layers.drop(columns="saturated"), "lacks saturated"),
        (figures.gradient_ratio, pd.concat([layers, layers.assign(dataset="digits")]), "mnist/mlp, digits/mlp"),
        (figures.final_accuracy, pd.concat([metrics, metrics.assign(learning_rate=0.1)]), "2 learning rates"),
        (figures.gradient_map, pd.concat([layers, layers.assign(run="other")]), "2 runs"),
        (figures.final_accuracy, metrics[metrics.split != "test"], "no test rows"),
        (figures.learning_curves, metrics[metrics.split == "test"], "no rows of the splits"),
        (figures.learning_curves, metrics[(metrics.variant == "relu") == (metrics.depth == 2)], "share no depth"),
    ]
    for draw, table, said in cases:
        with pytest.raises(StudyError, match=said) as caught:
            draw(table)
        assert str(caught.value).endswith(".")
    with pytest.raises(StudyError, match="depth=9 is not in the table; its depths are 2, 5"):
        figures.gradient_map(layers, depth=9)


def test_variants_of_one_activation_are_drawn_with_its_name():
    metrics, layers = tables(["relu"], [2])
    for changed, told in (({}, "mnist, mlp, relu ·"), ({"model": "convnet"}, "mnist, mlp and convnet, relu ·")):
        one, other = ({"variant": "he"}, {"variant": "xavier", "run": "other", **changed})
        two = [pd.concat([table.assign(**one), table.assign(**other)]) for table in (metrics, layers)]
        figure = figures.final_accuracy(two[0])
        assert figure.axes[0].get_ylabel() == "variant"
        assert {label.get_text().split()[0] for label in figure.axes[0].get_yticklabels()} == {"he", "xavier"}
        assert all(told in footer_of(draw) for draw in (figure, figures.gradient_profile(two[1]),
                                                                 figures.learning_rates(two[0])))  # fmt: skip
    mixed = pd.concat([metrics, metrics.assign(model="convnet", run="other")])
    with pytest.raises(StudyError, match="2 pairs of dataset and model"):
        figures.final_accuracy(mixed)
    assert "mnist, mlp · depth 2" in footer_of(figures.final_accuracy(metrics))
    assert figures.final_accuracy(metrics).axes[0].get_ylabel() == "activation"


def test_the_deepest_shared_depth_is_drawn_by_default(small):
    _, layers = small
    without = layers[(layers.variant != "relu") | (layers.depth == 2)]
    assert "depth 2 ·" in footer_of(figures.gradient_map(without))
    assert "depth 5 ·" in footer_of(figures.gradient_map(layers))
    assert "depth 2 ·" in footer_of(figures.gradient_map(layers, depth=2))


def test_norms_are_averaged_geometrically_and_zeros_are_counted():
    _, layers = tables(["relu"], [2], seeds=2, epochs=1)
    layers["grad_norm"] = np.where(layers.seed == 0, 1.0, 100.0)
    lines = figures.gradient_profile(layers).axes[0].get_lines()
    np.testing.assert_allclose(lines[0].get_ydata(), 10)

    layers.loc[(layers.layer == 1) & (layers.seed == 1), "grad_norm"] = 0.0
    figure = figures.gradient_profile(layers)
    np.testing.assert_allclose(figure.axes[0].get_lines()[0].get_ydata(), [1, 10, 10])
    assert "3 gradient norms of exactly 0" in footer_of(figure)


def test_geometric_means_are_taken_in_double_on_every_machine():
    _, layers = tables(["relu"], [2], seeds=1, epochs=1)
    layers["grad_norm"] = layers["grad_norm"].astype("float32")
    last = layers[layers.epoch == 1].groupby("layer").grad_norm
    exact = last.apply(lambda norms: np.exp(np.log(norms.to_numpy(np.float64)).mean()))
    found = gradients.moments(layers)["in the last epoch"].set_index("layer").grad_norm
    np.testing.assert_allclose(found.to_numpy(), exact.to_numpy(), rtol=1e-13)


def test_ratio_is_that_of_the_first_and_the_last_hidden_layer():
    _, layers = tables(["relu"], [3], seeds=2, epochs=1)
    layers["grad_norm"] = layers.layer.map({1: 1.0, 2: 7.0, 3: 4.0, 4: 50.0})
    for ax in figures.gradient_ratio(layers).axes:
        np.testing.assert_allclose(np.asarray(ax.get_lines()[0].get_ydata(), dtype=float), 0.25)


def test_final_accuracy_is_sorted_and_names_what_diverged(small):
    ticks = [text.get_text() for text in figures.final_accuracy(small[0]).axes[0].get_yticklabels()]
    assert ticks == ["relu (1 of 3 diverged)", "sigmoid", "elu(alpha=0.5)"]


@pytest.mark.parametrize("name", [name for name, entry in figures.FIGURES.items() if entry.tables])
def test_one_replica_that_was_only_begun_or_diverged_is_drawn(name):
    metrics, layers = tables(["elu"], [1], seeds=1, epochs=1)
    begun = metrics, layers[layers.step == 0]
    nothing = metrics.assign(loss=np.nan, accuracy=np.nan), layers.assign(grad_norm=np.nan)
    for case in (begun, nothing):
        draw(figures.FIGURES[name](*case))


def crosses_of(ax) -> np.ndarray:
    """Where the hollow crosses of diverged networks stand, shape (crosses, 2)."""
    hollow = [line for line in ax.lines if line.get_marker() == "X" and line.get_markerfacecolor() == "white"]
    return np.concatenate([np.zeros((0, 2)), *(line.get_xydata() for line in hollow)])


def test_diverged_networks_count_and_are_seen():
    metrics, layers = tables(["sigmoid", "relu", "lrelu"], [2, 5], seeds=4, diverged=2)
    figure = figures.depth(metrics, layers)
    gradient, saturated, accuracy = figure.axes
    ((x, y),) = crosses_of(accuracy)
    assert (round(x), y) == (5, 0)
    assert {text.get_text() for text in accuracy.texts} >= {"sigmoid", "relu · 2 of 4 diverged", "lrelu"}
    assert not crosses_of(gradient).size
    pale, strong = (next(line for line in saturated.lines if line.get_marker() == "^" and line.get_alpha() == alpha)
                    for alpha in (PALE, None))  # fmt: skip
    assert np.isfinite(pale.get_ydata()).all()
    assert np.isfinite(strong.get_ydata()).tolist() == [True, False]  # two of four are left at depth 5

    (end,) = crosses_of(figures.learning_curves(metrics).axes[1])
    assert end.tolist() == [2, 0]
    assert crosses_of(figures.final_accuracy(metrics).axes[0])[:, 0].tolist() == [0, 0]
    for entry in (figures.gradient_lines, figures.gradient_map, figures.saturation):
        notes = {ax.get_title("left"): ax.get_title("right") for ax in entry(layers).axes}
        assert notes["relu"] == "2 of 4 diverged"
        assert notes["sigmoid"] == ""


def test_a_variant_looks_alike_in_all_panels_of_a_figure():
    """These two would have the same colour, but for the other; one is not in the panel of saturated units."""
    leaky, other = "lrelu(slope=0.196165851)", "offset_relu"
    alone = looks([other])[other]
    assert looks(["relu", leaky, other])[other] != alone
    metrics, layers = tables(["relu", leaky, other], [2, 5])
    layers["activation"] = layers.activation.str.partition("(")[0]
    colors = [{to_hex(text.get_color()) for text in ax.texts if text.get_text() == other}
              for ax in figures.depth(metrics, layers).axes]  # fmt: skip
    assert colors == [{looks(["relu", leaky, other])[other].color.lower()}] * 3


def test_a_panel_of_which_all_networks_diverged_says_so():
    layers = tables(["relu", "elu"], [3], seeds=2, epochs=4, diverged=2)[1]
    for entry in (figures.gradient_lines, figures.gradient_map):
        said = {ax.get_title("left"): [text.get_text() for text in ax.texts] for ax in entry(layers).axes}
        assert said["relu"] == ["2 of 2 diverged\nby step 250"]
        assert said["elu"] == []


def test_there_is_no_interval_where_a_seed_diverged_and_its_zero_counts():
    table = pd.DataFrame({"seed": [0, 1, 2] * 2, "depth": [2] * 3 + [5] * 3,
                          "accuracy": [90.0, 92, 94, 90, 90, 0], "lost": [False] * 5 + [True]})  # fmt: skip
    line = curve(table, "accuracy", "depth")
    assert line["mean"].tolist() == [92, 60]
    assert line.lost.tolist() == [0, 1]
    assert line.low.notna().tolist() == line.high.notna().tolist() == [True, False]
    gone = curve(table.assign(accuracy=[90, 92, 94, 90, 90, np.nan]).drop(columns="lost"), "accuracy", "depth")
    assert gone["mean"].tolist() == [92, 90]
    assert gone.low.notna().tolist() == [True, False]


def test_differences_share_one_linear_axis_and_what_fails_is_an_arrow_with_its_number():
    metrics, _ = tables(["sigmoid", "relu", "elu"], [2, 32], seeds=4)
    shallow, deep = figures.differences(metrics).axes
    assert shallow.get_xscale() == deep.get_xscale() == "linear"
    assert shallow.get_xlim() == deep.get_xlim()
    ends = metrics[(metrics.split == "test") & (metrics.depth == 32)].pivot(index="seed", columns="variant")
    behind = 100 * (ends.accuracy.sigmoid - ends.accuracy.relu).mean()
    assert [text.get_text() for text in deep.texts] == [f"\N{MINUS SIGN}{-behind:.1f}"]
    (arrow,) = (line for line in deep.lines if line.get_marker() == "<")
    assert shallow.get_xlim()[0] < arrow.get_xdata()[0] < 0


def test_what_means_nothing_for_a_variant_is_one_note():
    _, layers = tables(["sigmoid", "tanh", "relu", "lrelu", "prelu"], [3])
    saturated, dead = figures.saturation(layers), figures.dead_units(layers)
    assert list(title_colors(saturated)) == ["sigmoid", "tanh", "relu"]
    assert "lrelu, prelu (no bound" in " ".join(text.get_text() for text in saturated.texts)
    assert "sigmoid and tanh within 2.5 % of their range" in footer_of(saturated)
    assert list(title_colors(dead)) == ["relu", "lrelu", "prelu"]
    assert "sigmoid, tanh (" in " ".join(text.get_text() for text in dead.texts)
    transform = dead.axes[0].yaxis.get_transform()
    np.testing.assert_allclose(transform.transform([0, 4, 100]), [0, 2, 10])
    only = layers[layers.variant == "lrelu"]
    assert list(title_colors(figures.saturation(only))) == ["lrelu"]


def test_what_is_measured_once_an_epoch_is_points():
    _, layers = tables(["relu"], [3])
    lines = {name: [line for line in figures.FIGURES[name](None, layers).axes[0].lines if len(line.get_xdata()) > 1]
             for name in ("dead_units", "saturation")}  # fmt: skip
    assert {line.get_linestyle() for line in lines["dead_units"]} == {"None"}
    assert {line.get_linestyle() for line in lines["saturation"]} == {"-"}


def test_outliers_are_cut_off_and_told():
    _, layers = tables(["sigmoid", "relu", "elu"], [3])
    layers["mean"] = layers["mean"].where(layers.variant != "relu", 87.8)
    axes = {ax.get_title("left"): ax for ax in figures.mean_activation(layers).axes}
    assert axes["relu"].get_ylim()[1] < 10
    assert axes["relu"].get_title("right") == "cut off, up to 87.8"
    assert axes["elu"].get_title("right") == ""


def test_gradients_are_shown_down_to_the_smallest():
    _, layers = tables(["sigmoid", "relu"], [24], seeds=2, epochs=1)
    smallest = 10 ** np.log10(layers.grad_norm).groupby([layers.variant, layers.layer, layers.step]).mean().min()
    assert smallest < 1e-15
    assert figures.gradient_lines(layers).axes[0].get_ylim()[0] < smallest
    figure = figures.gradient_map(layers)
    assert figure.axes[0].collections[0].norm.vmin == pytest.approx(smallest)
    layers["grad_norm"] = layers.grad_norm.where(layers.layer > 1, 1e-30)
    assert "the bar's arrow: norms below" in footer_of(figures.gradient_map(layers))


def test_figures_over_depth_need_several_depths():
    one, two = (Runs(*tables(["relu", "elu"], depths, epochs=1), []) for depths in ([2], [2, 5]))
    over_depth = {"depth", "gradient_ratio", "accuracy_by_depth"}
    assert over_depth <= {name for name, _ in figures.drawn(two)}
    assert not over_depth & {name for name, _ in figures.drawn(one)}


def test_gradients_of_rectifiers_that_lie_on_one_another_are_one_band():
    _, layers = tables(["sigmoid", "relu", "lrelu", "elu"], [2, 5])
    before, _ = figures.gradient_ratio(layers).axes
    assert [text.get_text() for text in before.texts if text.get_text()] == ["sigmoid", "rectifiers"]
    apart = layers.assign(grad_norm=layers.grad_norm.where((layers.variant != "elu") | (layers.layer > 1), 1e-9))
    before, _ = figures.gradient_ratio(apart).axes
    assert {text.get_text() for text in before.texts} >= {"sigmoid", "relu", "lrelu", "elu"}
    before, _ = figures.gradient_ratio(layers[layers.variant != "sigmoid"]).axes
    assert {text.get_text() for text in before.texts} >= {"relu", "lrelu", "elu"}  # a band of all would say nothing


def test_names_at_the_ends_of_lines_keep_their_order_and_a_gap():
    placed = spread({"a": 0.5, "b": 0.5, "c": 0.52, "d": 0.9}, 0.1)
    assert list(placed) == ["a", "b", "c", "d"]
    assert placed["d"] == 0.9
    np.testing.assert_allclose(np.diff(list(placed.values())[:3]), 0.1)
    assert np.mean([placed[name] for name in "abc"]) == pytest.approx(np.mean([0.5, 0.5, 0.52]))
    np.testing.assert_allclose(list(spread(dict.fromkeys("abcd", 0.99) | {"e": 0.65}, 0.1).values()),
                               [0.6, 0.7, 0.8, 0.9, 1.0])  # fmt: skip


def test_a_model_without_a_choice_of_depth_is_drawn(small):
    metrics, layers = (table[table.depth == 5].assign(depth=np.nan) for table in small)
    assert "fixed depth" in footer_of(figures.learning_curves(metrics))
    assert "fixed depth" in footer_of(figures.gradient_map(layers))


def test_functions_draws_every_activation_of_the_study():
    from activation_study import activations

    every = {name: activations.build(name) for name in [*activations.names(), "Hardswish"]}
    figure = figures.functions(every)
    draw(figure)  # reads every formula
    assert set(title_colors(figure)) == set(every)


def test_import_does_not_bring_torch():
    code = "import sys, activation_study.figures; sys.exit(bool({'torch', 'matplotlib.pyplot'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
