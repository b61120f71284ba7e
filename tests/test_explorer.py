"""The explorer: its data, and its page in a real browser (Debian's chromium), from a file, without a network."""

import gzip
import itertools
import json
import math
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import ROOT, in_process
from PIL import Image
from torch.nn import functional as F

from activation_study.activations import build
from activation_study.comparison import selection, statistics
from activation_study.comparison.differences import differences
from activation_study.comparison.quantities import ACCURACY
from activation_study.comparison.sentences import conclusions
from activation_study.errors import StudyError
from activation_study.explorer.colors import BACKGROUNDS, contrast, palette
from activation_study.explorer.data import MOMENTS, study
from activation_study.explorer.overrides import overrides
from activation_study.explorer.packing import COARSE, FINE, Packed
from activation_study.explorer.page import TRAINABLE, WORKER, html, in_script
from activation_study.explorer.picture import GAP, WINDOW, picture
from activation_study.figures.style import ARTICLE, OTHERS
from activation_study.runs import Run, read_runs, runs_in
from activation_study.runs.identity import configuration_hash
from activation_study.training.execute import execute

TUNING = [1000, 1001]
CODE = ROOT / "src" / "activation_study" / "explorer"


@pytest.fixture(scope="module")
def runs(compose_settings, tmp_path_factory) -> list[Run]:
    """Three activations at two depths, two learning rates and three seeds; and an ELU that diverges."""
    folder = tmp_path_factory.mktemp("explorer") / "runs"
    small = ("model.width=8", "train.epochs=2", "train.batch_size=32", "dataset.train_limit=128", "device=cpu",
             "dataset.valid_size=64", "probes.every=2", f"runs_dir={folder}", "seeds=3")  # fmt: skip
    for name in ("relu", "sigmoid", "tanh"):
        for depth in (2, 4):
            execute(compose_settings(*small, f"activation={name}", f"model.depth={depth}", "learning_rate=[0.01,0.05]"))
    execute(compose_settings(*small, "activation=elu", "model.depth=4", "learning_rate=1e8"))
    return list(runs_in(folder))


@pytest.fixture(scope="module")
def group(runs) -> tuple[dict, np.ndarray]:
    """What the page knows of these runs, and the bytes of its arrays."""
    packed = Packed()
    (found,) = study(runs, TUNING, packed)
    return found, np.frombuffer(gzip.decompress(b64decode(packed.text())), np.uint8)


def unpacked(entry, content) -> np.ndarray:
    begin, count = entry["offset"], entry["count"]
    codes = content[begin : begin + count] + 256.0 * content[begin + count : begin + 2 * count]
    values = entry["low"] + (codes - 1) / entry["steps"] * (entry["high"] - entry["low"])
    return np.where(codes == 0, np.nan, np.exp(values) if entry["logarithmic"] else values)


# Its data ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [FINE, COARSE])
def test_packed_numbers_come_back_as_exactly_as_their_scale_says(steps) -> None:
    stream = np.random.default_rng(0)
    norms = np.concatenate([10 ** stream.uniform(-20, 4, 500), [0.0, np.nan, np.inf]])
    shares = np.concatenate([stream.uniform(0, 1, 500), [np.nan]])
    packed = Packed()
    entries = packed.add(norms, steps, logarithmic=True), packed.add(shares, steps), packed.add(np.zeros(7), steps)
    content = np.frombuffer(gzip.decompress(b64decode(packed.text())), np.uint8)
    back, back_shares, zeros = (unpacked(entry, content) for entry in entries)
    decades = 24 * math.log(10)
    assert np.abs(back[:500] / norms[:500] - 1).max() < 1.01 * decades / steps / 2 + 1e-9
    assert np.isnan(back[500:]).all()
    assert np.abs(back_shares[:500] - shares[:500]).max() <= 0.51 / steps
    assert (zeros == 0).all()


def test_the_page_s_numbers_are_those_of_the_tables(runs, group) -> None:
    found, content = group
    tables, r = read_runs(runs), found["replicas"]
    at = {key: i for i, key in enumerate(zip(r["variant"], r["depth"], r["rate"], r["seed"], strict=True))}
    for rate, metrics in tables.metrics.groupby("learning_rate"):
        for (variant, depth, seed), accuracy in ACCURACY.per_replica(metrics).items():
            assert r["test"][at[variant, depth, rate, seed]] == pytest.approx(accuracy, abs=1e-8)
    assert {r["variant"][i] for i in range(len(at)) if r["diverged"][i]} == {"elu"}
    assert all(r["test"][i] == 0 for i in range(len(at)) if r["diverged"][i])
    curves = unpacked(found["curves"]["valid accuracy"], content).reshape(len(at), -1)
    for row in tables.metrics.query("split == 'valid' and activation != 'elu'").itertuples():
        place = at[row.variant, row.depth, row.learning_rate, row.seed], found["epochs"].index(row.epoch)
        assert curves[place] == pytest.approx(row.accuracy, abs=1e-4)
    norms = unpacked(found["layers"]["grad_norm"], content)
    steps = tables.metrics["step"].max() / max(found["epochs"])
    assert 2 <= len(found["moments"]) <= MOMENTS
    checked = 0
    for row in tables.layers.query("activation == 'relu'").itertuples():
        if (epoch := row.step / steps) in found["moments"]:
            i, layers = at[row.variant, row.depth, row.learning_rate, row.seed], row.depth + 1
            place = found["layers"]["begins"][i] + found["moments"].index(epoch) * layers + row.layer - 1
            assert norms[place] == pytest.approx(row.grad_norm, rel=0.02)
            checked += 1
    assert checked > 100


def test_verdicts_are_those_of_the_comparison(runs, group) -> None:
    found, _ = group
    measured = selection.chosen(read_runs(runs), TUNING)
    at = measured._replace(metrics=measured.metrics.query("depth == 2"))
    table = differences(at.metrics, "relu")
    assert found["verdicts"]["2"]["sentences"] == conclusions(table, at, None)
    ours = {row["variant"]: row["difference"] for row in found["verdicts"]["2"]["differences"]}
    assert ours == pytest.approx(table.set_index("variant")["difference"].dropna().to_dict())


@pytest.mark.parametrize(
    "asked",
    [[], ["activation=elu", "activation.alpha=0.5"], ["init=xavier", "optimizer=adam", "probes.every=7"],
     ["model=convnet", "dataset=cifar10", "dataset.augment.flip=true", "train.epochs=3"], ["model.batch_norm=true"],
     ["activation=torch", "activation.name=Hardswish", "optimizer.milestones=[2,3]"]],
)  # fmt: skip
def test_the_command_of_a_view_makes_the_same_configuration(compose_settings, asked) -> None:
    settings = compose_settings(*asked, "model.depth=3")
    from activation_study.runs.identity import scientific

    told = overrides({"config": scientific(settings), "scale": "desk"})
    again = compose_settings(*told["activation"], *told["setting"], "model.depth=3")
    assert configuration_hash(again) == configuration_hash(settings)


def test_colours_stand_out_in_light_and_in_dark() -> None:
    chosen = palette([*ARTICLE, *(f"mine {i}" for i in range(len(OTHERS)))])
    for theme, background in BACKGROUNDS.items():
        assert min(contrast(one[theme], background) for one in chosen.values()) >= 3
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert re.fullmatch(r"[\d. ]*", chosen["tanh"]["dashes"])


def test_labels_cannot_end_the_script_that_holds_them() -> None:
    text = in_script({"label": "</script><script>alert(1)</script>&"})
    assert "<" not in text
    assert ">" not in text
    assert json.loads(text) == {"label": "</script><script>alert(1)</script>&"}


def test_the_page_names_no_address_outside(runs) -> None:
    text = html(runs, TUNING, ROOT / "results" / "papers")
    places = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert places <= {"http://www.w3.org/2000/svg"}  # the name of SVG, which nothing loads
    assert "default-src 'none'" in text
    assert len(text.encode()) < 1e6


def test_the_command_writes_the_page_and_says_so(runs, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "explorer.html"
    for _ in range(2):  # the second time it is there already
        assert in_process(monkeypatch, "explore", f"runs_dir={runs[0].folder.parent}", f"out={tmp_path}") is None
        assert f"{out}: {len(runs)} runs" in capsys.readouterr().out
        assert out.read_text().startswith("<!DOCTYPE html>")


# In a browser --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(runs, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "explorer.html"
    path.write_text(html(runs, TUNING, ROOT / "results" / "papers"))
    return path


@pytest.fixture
def opened(browser) -> Iterator:
    """Opens a file offline; any error or message of the console fails the test."""
    contexts, told = [], []

    def open_page(path: Path, fragment: str = "", **options):
        context = browser.new_context(offline=True, **({"viewport": {"width": 1200, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(f"{path.as_uri()}{fragment}")
        page.locator("html[data-ready]").wait_for(timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert told == []


def rows_of(page, selector) -> list[list[str]]:
    return page.locator(f"{selector} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )


def rows_below(page, figure) -> list[list[str]]:
    """The rows of the table below a figure, which is filled some time after it is opened."""
    page.locator(f"{figure} summary").click()
    page.locator(f"{figure} tbody tr").first.wait_for()
    return rows_of(page, figure)


def test_the_numbers_shown_are_python_s(runs, file, opened) -> None:
    page = opened(file, "#depth=2&rate=0.05")
    tables = read_runs(runs)
    metrics = tables.metrics.query("depth == 2 and learning_rate == 0.05")
    for variant, values in ACCURACY.per_replica(metrics).groupby("variant"):
        mean = statistics.mean(values, 1, (0, 1))
        row = next(row for row in rows_of(page, "#summary") if row[0] == variant)
        assert row[2] == "3"
        assert row[4] == f"{100 * mean.value:.2f}"
        assert row[5] == f"{100 * mean.low:.2f} to {100 * mean.high:.2f}"


@pytest.mark.parametrize(
    ("fragment", "variants", "seeds"),
    [("#depth=2&rate=0.05", ["relu", "sigmoid", "tanh"], [0, 1, 2]), ("#depth=2&rate=0.01&seed=0&seed=2&off=tanh",
     ["relu", "sigmoid"], [0, 2]), ("#depth=2&rate=0.05&seed=1", ["relu", "sigmoid", "tanh"], [1])],
)  # fmt: skip
def test_a_verdict_made_in_the_page_is_that_of_python(runs, file, opened, fragment, variants, seeds) -> None:
    page = opened(file, fragment)
    tables = read_runs(runs)
    rate = re.search(r"rate=([\d.]+)", fragment)[1]
    asked = f"depth == 2 and learning_rate == {rate} and variant in {variants} and seed in {seeds}"
    metrics = tables.metrics.query(asked)
    table = differences(metrics, "relu")
    said = page.locator("#verdict li").all_text_contents()
    assert said == conclusions(table, tables._replace(metrics=metrics), None)[:2]
    shown = rows_below(page, "#differences")
    for row in table[table["variant"] != "relu"].itertuples():
        cells = next(cells for cells in shown if cells[0] == row.variant)
        assert cells[1:3] == [str(row.n), f"{100 * row.difference:+.2f}"]
        assert cells[3] == ("–" if row.low != row.low else f"{100 * row.low:+.2f} to {100 * row.high:+.2f}")


def test_curves_less_the_reference_s_are_paired_by_seed(runs, file, opened) -> None:
    page = opened(file, "#depth=2&rate=0.05&value=difference")
    rows = read_runs(runs).metrics.query("depth == 2 and learning_rate == 0.05 and split == 'valid'")
    last = rows[rows["epoch"] == rows["epoch"].max()].pivot(index="seed", columns="variant", values="accuracy")
    shown = {cells[0]: cells for cells in rows_below(page, "#curves")}  # the last row of each is that of the last epoch
    for variant in ("sigmoid", "tanh"):
        mean = statistics.mean(last[variant] - last["relu"], 1, (-1, 1))
        told = [float(number) for number in [shown[variant][2], *shown[variant][3].split(" to ")]]
        assert told == pytest.approx([100 * number for number in mean], abs=0.02)


def test_where_a_network_diverged_there_is_no_interval(file, opened) -> None:
    cells = opened(file, "#depth=4&rate=0.05").evaluate(
        "() => [0, 1].map(lost => differenceCells({ variant: '', n: 3, difference: 0.1, low: 0.05, high: 0.15, lost }))"
    )
    assert [row[3] for row in cells] == ["+5.00 to +15.00", "–"]


def test_what_lies_far_off_is_an_arrow_with_its_number(file, opened) -> None:
    page = opened(file, "#depth=4&rate=0.05")
    near, far = page.evaluate(
        "() => [[1, -2, 30], [1, -2, 3]].map(all => withoutFar(all.map(difference => ({ difference }))).length)"
    )
    assert (near, far) == (2, 3)
    told = page.evaluate(
        "() => arrow({ difference: -0.8535 }, 10, '#000', 0, 100).map(node => node.textContent).join('')"
    )
    assert told == "-85.35"


def test_only_what_a_choice_changes_is_drawn_anew(file, opened) -> None:
    page = opened(file, "#depth=4&rate=0.05")
    charts = ("curves", "gradients", "differences", "depths")
    page.evaluate("all => all.forEach(id => { document.querySelector(`#${id} svg`).dataset.old = 1 })", list(charts))

    def kept() -> set[str]:
        return {id for id in charts if page.locator(f"#{id} svg[data-old]").count()}

    page.locator("#reference").select_option("tanh")
    page.locator("#differences figcaption", has_text="less that of tanh").wait_for()
    assert {"gradients", "depths"} <= kept()
    assert "differences" not in kept()
    page.locator("#depth").select_option("2")
    page.locator("#differences figcaption", has_text="depth 2").wait_for()
    page.locator("html:not([data-drawing])").wait_for()  # charts outside the window come frame by frame
    assert kept() == set()


def test_every_choice_is_in_the_address_and_survives_a_reload_and_back(file, opened) -> None:
    page = opened(file)
    before = page.evaluate("location.hash")
    for control, value in {
        "depth": "2",
        "rate": "0.05",
        "reference": "tanh",
        "value": "loss",
        "split": "train",
    }.items():
        page.locator(f"#{control}").select_option(value)
        assert f"{control}={value}" in page.evaluate("location.hash")
    page.get_by_label("sigmoid", exact=True).uncheck()
    assert "off=sigmoid" in page.evaluate("location.hash")
    said = page.locator("#verdict").text_content()
    page.reload()
    page.locator("html[data-ready]").wait_for()
    assert page.locator("#depth").input_value() == "2"
    assert page.locator("#reference").input_value() == "tanh"
    assert not page.get_by_label("sigmoid", exact=True).is_checked()
    assert page.locator("#verdict").text_content() == said
    page.go_back()
    assert page.get_by_label("sigmoid", exact=True).is_checked()
    for _ in range(5):
        page.go_back()
    assert page.evaluate("location.hash") == before
    assert page.locator("#depth").input_value() == "4"


@pytest.mark.parametrize("fragment", ["#depth=99&rate=abc&epoch=-5&off=<b>&net=constructor&layers=1e9&gain=NaN",
                                      "#" + "off=x&" * 2000, "#%%%", "#dataset=__proto__&seed=-1"])  # fmt: skip
def test_nonsense_in_the_address_falls_back_to_what_is_usual(file, opened, fragment) -> None:
    page = opened(file, fragment)
    assert page.locator("#depth").input_value() == "4"
    assert page.locator("#net").input_value() == "relu"
    assert page.locator("#layers").input_value() == "8"
    assert len(rows_of(page, "#summary")) == 4


def test_a_cell_of_a_map_has_its_value_s_colour_and_moves_all_charts(file, opened) -> None:
    page = opened(file, "#depth=4&rate=0.05")
    chart = page.locator("#maps .chart").first
    box = chart.bounding_box()
    page.locator("#maps summary").first.click()
    title = page.locator("#maps figure").first.get_attribute("data-title")
    chart.click(position={"x": 2, "y": box["height"] - 2})
    page.locator("#gradients figcaption", has_text="epoch 0").wait_for()
    assert page.locator("#spoken").text_content().startswith(f"{title}: layer 1, epoch 0, ")
    assert page.locator("#epoch-now").text_content() == "0"
    told = page.locator("#spoken").text_content().rsplit(", ", 1)[1]
    assert rows_of(page, "#maps")[0][1] == told
    expected = page.evaluate(
        "() => shadeOf(document.querySelector('#maps figure').spec.value(0, 1),"
        "document.querySelector('#maps figure').spec.scale)"
    )
    pixel = page.evaluate(
        "() => { const canvas = document.querySelector('#maps canvas');"
        "return [...canvas.getContext('2d').getImageData(0, canvas.height - 1, 1, 1).data].slice(0, 3) }"
    )
    assert pixel == expected


def test_a_keyboard_reaches_every_control_and_arrows_speak(file, opened) -> None:
    page = opened(file, "#depth=4&rate=0.05")
    wanted = page.evaluate(
        "() => [...document.querySelectorAll('select, input, button:enabled, .chart, summary')]"
        ".filter(node => node.checkVisibility() && !node.disabled).length"
    )
    seen = set()
    for _ in range(wanted + 30):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(
            "() => { const all = [...document.querySelectorAll('select, input, button, .chart, summary')];"
            "return all.indexOf(document.activeElement) }"))  # fmt: skip
    assert len(seen - {-1}) == wanted
    chart = page.locator("#gradients .chart")
    chart.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert re.search(r"layer .* \d, gradient norm", page.locator("#spoken").text_content())
    assert page.evaluate("document.activeElement.closest('figure').id") == "gradients"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast_that_of_charts_too(file, opened, scheme) -> None:
    page = opened(file, color_scheme=scheme)
    pairs = page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(node => node.checkVisibility() && !node.disabled &&
            [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())).map(node => {
            let ground = node;
            const clear = one => getComputedStyle(one).backgroundColor === 'rgba(0, 0, 0, 0)';
            while (ground && clear(ground)) ground = ground.parentElement;
            const style = getComputedStyle(node);
            return [node instanceof SVGElement ? style.fill : style.color,
                    getComputedStyle(ground || document.body).backgroundColor] })"""
    )

    def as_hex(text: str) -> str:
        return "#" + "".join(f"{int(value):02x}" for value in re.findall(r"\d+", text)[:3])

    assert len(pairs) > 100
    assert min(contrast(as_hex(ink), as_hex(ground)) for ink, ground in set(map(tuple, pairs))) >= 4.5


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(file, opened, scheme, width) -> None:
    from axe_playwright_python.sync_playwright import Axe  # brings playwright, which not everybody has

    page = opened(file, color_scheme=scheme, viewport={"width": width, "height": 844})
    page.locator("details").evaluate_all("all => all.forEach(details => { details.open = true })")
    page.locator("#gradients tbody tr").first.wait_for()
    found = Axe().run(page).response
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
    assert {"color-contrast", "label", "select-name", "html-has-lang"} <= {rule["id"] for rule in found["passes"]}


def test_a_phone_needs_no_scrolling_sideways_and_targets_are_large_enough(file, opened) -> None:
    page = opened(file, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sizes = page.locator("select, button, summary, .checks label").evaluate_all(
        "nodes => nodes.filter(node => node.checkVisibility()).map(node => node.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 24
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_no_runs_one_run_and_none_but_diverged_ones(runs, opened, tmp_path) -> None:
    lost = [run for run in runs if run.status["state"] == "diverged"]
    for name, some in {"none": [], "one": runs[:1], "lost": lost}.items():
        path = tmp_path / f"{name}.html"
        path.write_text(html(some, TUNING, tmp_path))
        page = opened(path)
        assert page.locator("#no-runs").is_visible() == (name == "none")
        if name == "lost":
            assert "every network diverged." in page.locator("#verdict").text_content()
        if name == "one":
            assert "There is nothing to compare" in page.locator("#verdict").text_content()


def test_a_label_with_markup_is_shown_as_text(runs, opened, tmp_path, monkeypatch) -> None:
    from activation_study.runs import tables

    label = tables.identity.label
    evil = "</script><script>console.log(1)</script><img src=x>"
    monkeypatch.setattr(
        tables.identity, "label", lambda activation: evil if activation["name"] == "tanh" else label(activation)
    )
    path = tmp_path / "evil.html"
    path.write_text(html(runs, TUNING, tmp_path))
    page = opened(path, "#depth=2")
    assert evil in page.locator("#variants").text_content()
    assert page.locator("img").count() == 0


# What trains in the page ---------------------------------------------------------------------------------------------


@pytest.fixture
def code(browser) -> Iterator:
    """The page's own functions and network, in an empty page."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_script_tag(content="\n".join((CODE / f"{name}.js").read_text() for name in WORKER[:2]))
    yield page
    context.close()


@pytest.mark.parametrize("name", TRAINABLE)
def test_functions_and_slopes_are_those_of_the_package(code, name) -> None:
    options = {"lrelu": {"slope": 0.3}, "elu": {"alpha": 0.3}}.get(name, {})
    activation = build(name, **options).double()
    z = torch.linspace(-6, 6, 41, dtype=torch.float64)
    ours = code.evaluate(
        "([name, z]) => [z.map(x => FUNCTIONS[name].f(x, 0.3)), z.map(x => FUNCTIONS[name].slope(x, 0.3)),"
        "z.map(x => Number(x <= FUNCTIONS[name].flat[0] || x >= FUNCTIONS[name].flat[1]))]",
        [name, z.tolist()],
    )
    with torch.no_grad():
        theirs = [activation(z), activation.slope(z), activation.saturated(z)]
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(torch.tensor(one, dtype=torch.float64), other)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "elu"])
def test_gradient_norms_are_those_of_torch(code, name) -> None:
    stream = torch.Generator().manual_seed(0)
    sizes, batch = [64, 32, 32, 32, 10], 16
    x, y = torch.randn(batch, 64, generator=stream), torch.randint(10, (batch,), generator=stream)
    weights = [torch.randn(a, b, generator=stream) * 1.5 / a**0.5 for a, b in itertools.pairwise(sizes)]
    activation, h = build(name), x
    for weight in weights:
        weight.requires_grad_()
    for i, weight in enumerate(weights):
        h = h @ weight
        h = activation(h) if i < len(weights) - 1 else h
    loss = F.cross_entropy(h, y)
    loss.backward()
    loss_there, norms = code.evaluate(
        """([name, sizes, weights, x, y]) => {
            const network = newNetwork(sizes, 1, 1);
            network.forEach((layer, k) => layer.weights.set(weights[k]));
            const passes = forward(network, Float32Array.from(x), y.length, FUNCTIONS[name], 1);
            const found = judged(passes[passes.length - 1].outputs, y, y.length, 10);
            const gradients = backward(network, passes, found.error, y.length, FUNCTIONS[name], 1);
            return [found.loss, gradients.map(one => norm(one.weights))] }""",
        [name, sizes, [weight.detach().flatten().tolist() for weight in weights], x.flatten().tolist(), y.tolist()],
    )
    assert loss_there == pytest.approx(loss.item(), rel=1e-5)
    assert norms == pytest.approx(
        [weight.grad.norm().item() for weight in weights if weight.grad is not None], rel=1e-4
    )


def test_weights_have_the_scale_that_is_asked_for(code) -> None:
    weights = code.evaluate("() => [...newNetwork([400, 300], 2, 7)[0].weights]")
    assert pd.Series(weights).std() == pytest.approx(2 / 400**0.5, rel=0.01)
    assert abs(pd.Series(weights).mean()) < 0.002


def test_relu_learns_a_deep_sigmoid_does_not_and_a_larger_scale_rescues_it(file, opened) -> None:
    page = opened(file, "#net=relu")
    status = page.locator("#live-status")

    def trained(steps: int) -> tuple[float, float]:
        page.locator("#train").click()
        for _ in range(600):
            page.wait_for_timeout(100)
            if int(status.get_attribute("data-steps") or 0) >= steps and "step" in status.text_content():
                break
        page.locator("#stop").click()
        assert status.text_content().startswith("stopped.")
        return float(status.get_attribute("data-accuracy")), float(status.get_attribute("data-ratio"))

    accuracy, _ = trained(800)
    assert accuracy > 0.9
    page.locator("#net").select_option("sigmoid")
    page.locator("#live-status").evaluate("node => { node.dataset.steps = 0 }")
    accuracy, ratio = trained(300)
    assert accuracy < 0.2
    assert ratio < 5e-3
    moved = (
        "(node, value) => { node.value = Math.log10(value); node.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    page.locator("#gain").evaluate(moved, 4)
    page.locator("#lr").evaluate(moved, 0.05)
    page.locator("#live-status").evaluate("node => { node.dataset.steps = 0 }")
    accuracy, _ = trained(800)
    assert accuracy > 0.7  # 0.88 after 500 steps in a trial; the smaller scale never leaves chance


def test_a_picture_shows_the_page_at_work(browser, runs, tmp_path) -> None:
    """In a process of its own: playwright drives one browser at a time."""
    command = [sys.executable, "experiments/explore.py", f"runs_dir={runs[0].folder.parent}", f"out={tmp_path}"]
    ended = subprocess.run([*command, "picture=true"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    image = Image.open(tmp_path / "explorer.png")
    assert image.size == (2 * WINDOW["width"] + GAP, WINDOW["height"])
    assert (tmp_path / "explorer.png").stat().st_size < 300_000
    trained = image.convert("RGB").crop((WINDOW["width"] + GAP, 0, *image.size))
    assert len(trained.getcolors(image.width * image.height)) > 20


def test_without_a_browser_no_picture_is_taken_and_it_is_said_why(monkeypatch, tmp_path) -> None:
    pytest.importorskip("playwright")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StudyError, match="picture=true: chromium is not installed"):
        picture(tmp_path / "explorer.html")


def test_what_diverges_is_told(file, opened) -> None:
    page = opened(file, "#net=relu&layers=16&lr=0.3&gain=8")
    page.locator("#train").click()
    page.locator("#live-status", has_text="diverged").wait_for(timeout=60_000)
    assert page.locator("#stop").is_disabled()
