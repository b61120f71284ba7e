"""What the notebooks share: films of trainings, the panels that show them, and the widgets beside them."""

import base64
import threading
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from IPython.display import Markdown
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from activation_study.activations import build
from activation_study.errors import StudyError
from activation_study.notebook import (
    choosing,
    demo,
    drawing,
    filming,
    gradients,
    histograms,
    live,
    shown,
    verdict,
    verdicts,
)
from activation_study.notebook import film as film_of
from activation_study.notebook.choosing import Chooser, Newest, Several, Slider, widget
from activation_study.notebook.filming import Choices
from activation_study.notebook.panels import BLUE, ORANGE, Line, Panel, Panels, as_figure, as_svg
from activation_study.notebook.watching import Live

TINY = {"activation": "relu", "depth": 2, "steps": 40, "every": 10}
SVG = "{http://www.w3.org/2000/svg}"


class Outputs(list):
    """What has been displayed in the place of `display`; what takes a content's place comes after it."""

    def display(self, data, metadata=None, raw=True, display_id=False):
        self.append(data)
        if display_id:
            return SimpleNamespace(update=lambda data, metadata=None, raw=True: self.append(data))
        return None

    @property
    def pictures(self) -> list[dict]:
        return [data for data in self if {"image/png", "text/html"} & data.keys()]


@pytest.fixture
def outputs(monkeypatch) -> Outputs:
    found = Outputs()
    monkeypatch.setattr(shown, "display", found.display)
    monkeypatch.setattr(choosing, "display", found.display)
    return found


def test_a_film_shows_the_network_from_before_training_to_the_end():
    made = film_of(**TINY)
    assert made.end == "40 steps done"
    assert [frame.step for frame in made.frames] == [0, 10, 20, 30, 40]
    assert all(len(frame.norms) == 3 and np.isfinite(frame.norms).all() for frame in made.frames)
    assert set(made.frames[0].distribution["layer"]) == {1, 2}
    assert made.frames[-1].valid > made.frames[0].valid
    assert not np.allclose(made.frames[0].norms, made.frames[1].norms)


def test_a_film_has_the_gradients_of_the_study_own_training():
    """The norms before training are those that autograd gives for the first batch of the same network."""
    from activation_study.notebook.filming import _trainer

    trainer = _trainer(Choices(**TINY), lambda: None)
    indices = trainer._order(0)[:, : trainer.batch_size]
    images = trainer.data.train.images[indices[0]].unsqueeze(0)
    logits = trainer.network(images)[0]
    torch.nn.functional.cross_entropy(logits, trainer.data.train.labels[indices[0]]).backward()
    expected = [float(layer.affine.weight.grad.norm()) for layer in trainer.probe.layers]
    np.testing.assert_allclose(film_of(**TINY).frames[0].norms, expected, rtol=1e-4)


def test_the_scale_multiplies_the_weights_of_the_hidden_layers():
    from activation_study.notebook.filming import _trainer

    one, four = (_trainer(Choices(**TINY, scale=scale), lambda: None).probe.layers for scale in (1.0, 4.0))
    for layer, (ours, theirs) in enumerate(zip(four, one, strict=True), 1):
        torch.testing.assert_close(ours.affine.weight, theirs.affine.weight * (4 if layer < 3 else 1))


def test_a_film_stops_before_its_next_but_one_update():
    stop = threading.Event()
    made = film_of(stop=stop, shown=lambda made: stop.set() if made.frames[-1].step == 20 else None, **TINY)
    assert made.end == "stopped at step 21"
    assert made.frames[-1].step == 20
    assert film_of(stop=stop, **TINY).end == "stopped at step 0"


def test_a_film_of_a_network_that_diverges_says_so():
    made = film_of(**TINY | {"depth": 6, "learning_rate": 1e9})
    assert made.end.startswith("diverged at step ")
    assert len(made.frames) < 6


def test_a_choice_that_makes_no_sense_is_one_sentence():
    with pytest.raises(StudyError, match=r"^learning_rate=-1: "):
        film_of(learning_rate=-1)


@pytest.mark.parametrize("view", [gradients, histograms])
def test_a_view_is_drawn_of_any_frame(view):
    made = film_of(**TINY)
    for at in (0, 2, -1):
        panels = view(made, at)
        assert f"step {made.frames[at].step}" in panels.note
        assert ElementTree.fromstring(as_svg(panels)).tag == f"{SVG}svg"
        assert len(as_figure(panels).axes) == len(panels.panels) == 2


def test_a_histogram_holds_what_the_quantiles_say():
    made = film_of(**TINY)
    (bars,) = histograms(made).panels[0].marks
    zeros = (made.frames[-1].distribution.query("layer == 1")["activation"] == 0).mean()
    assert max(bars.heights) >= 100 * zeros > 20  # a ReLU's zeros
    assert 97 <= sum(bars.heights) <= 100


def test_a_line_goes_through_its_points():
    panel = Panel("t", "x", "y", [Line([0, 1], [1, 100], "it")], (0, 1), (1, 100), log=True)
    svg = ElementTree.fromstring(as_svg(Panels("<title>", "note", [panel])))
    assert svg.get("aria-label") == "<title>. note"
    points = [tuple(map(float, pair.split(","))) for pair in svg.find(f".//{SVG}polyline").get("points").split()]
    frame = svg.find(f".//{SVG}path").get("d")  # M left,top V bottom H right
    left, top, bottom, right = (float(number) for number in frame[1:].replace("V", ",").replace("H", ",").split(","))
    assert points == [(left, bottom), (right, top)]


def test_what_has_no_logarithm_is_left_out_of_a_logarithmic_line():
    panel = Panel("t", "x", "y", [Line([0, 1, 2], [0, np.nan, 5])], (0, 2), (1, 10), log=True)
    svg = ElementTree.fromstring(as_svg(Panels("t", "n", [panel])))
    assert len(svg.find(f".//{SVG}polyline").get("points").split()) == 1


def contrast(one: str, other: str) -> float:
    def light(color: str) -> float:
        parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, bright = sorted([light(one), light(other)])
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["white", "#111111"])  # JupyterLab's, light and dark
def test_moving_pictures_are_readable_on_light_and_dark(page):
    assert all(contrast(color, page) >= 3 for color in (BLUE, ORANGE))
    svg = as_svg(drawing.function("elu", build("elu")))
    root = ElementTree.fromstring(svg)
    assert root.get("fill") == "currentColor"
    assert not any(text.get("fill") for text in root.iter(f"{SVG}text"))
    assert not any(rect.get("width") == "100%" for rect in root.iter(f"{SVG}rect"))  # no ground of its own


def test_a_still_picture_brings_its_own_ground():
    """An opaque PNG can be read on any page."""
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(shown.picture(drawing.function("elu", build("elu"))).data))
    assert "transparency" not in image.info
    assert min(image.convert("RGB").getpixel((0, 0))) > 250


def test_a_figure_that_can_be_replaced_turns_dark_on_a_dark_page(browser):
    data, _ = shown.bundle(as_figure(drawing.function("elu", build("elu"))))
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    page = browser.new_page()
    for is_light, filter_of in {"true": "none", "false": "invert(0.93) hue-rotate(180deg)"}.items():
        page.set_content(f'<body data-jp-theme-light="{is_light}">{data["text/html"]}</body>')
        assert page.locator("img").evaluate("image => getComputedStyle(image).filter") == filter_of
        assert page.get_by_alt_text("elu").count() == 1
    page.close()


def test_live_draws_while_it_trains_and_goes_back(outputs):
    watched = Live("gradients", **TINY)
    assert outputs[0]["text/plain"] == "Choose, train and stop where this notebook is running."
    watched.train()
    watched.wait()
    assert watched.said.value == "40 steps done"
    assert {"image/png", "text/html"} <= outputs.pictures[-1].keys()
    assert not watched.start.disabled
    assert watched.halt.disabled
    assert len(watched.moment.options) == 5
    watched.moment.value = 0
    watched.going_back.wait()
    assert "epoch 0.0, step 0" in outputs.pictures[-1]["text/html"]


def test_live_stops(outputs, monkeypatch):
    watched = Live("histograms", **TINY | {"steps": 100_000})
    monkeypatch.setattr(watched.canvas, "show", lambda part, still=True: watched.halt.click())
    watched.train()
    watched.thread.join(60)
    assert watched.said.value.startswith("stopped at step ")


def test_live_says_what_went_wrong_and_trains_again(outputs, monkeypatch, tmp_path):
    watched = Live("gradients", **TINY)
    watched.choices["dataset"].value = "mnist"
    monkeypatch.setattr(filming, "DATA", str(tmp_path / "<none>"))
    watched.train()
    watched.wait()
    assert "MNIST" in watched.said.value or "mnist" in watched.said.value
    assert "<none>" not in watched.said.value
    assert not watched.start.disabled
    watched.choices["dataset"].value = "digits"
    watched.train()
    watched.wait()
    assert watched.said.value == "40 steps done"


def test_live_refuses_a_view_that_there_is_not():
    with pytest.raises(StudyError, match=r"^view=weights: no such view; choose one of gradients, histograms\.$"):
        live(view="weights")


def test_of_values_that_come_meanwhile_only_the_newest_is_handed_on():
    seen, may_go = [], threading.Event()

    def call(value: int) -> None:
        seen.append(value)
        may_go.wait(60)

    newest = Newest(call)
    for value in range(4):
        newest.give(value)
        while not seen:
            pass
    assert not newest.is_last
    may_go.set()
    newest.wait()
    assert seen == [0, 3]


def test_a_choice_redraws_the_picture_or_says_why_not(outputs):
    def draw(name: str, width: int) -> Figure:
        if name == "none":
            raise StudyError("name=none: there is no such thing, but <some>.")
        return Figure(figsize=(1 / int(name == "a"), width))

    chooser = Chooser(
        draw, {"name": widget("name", ["a", "none", "b"]), "width": widget("width", [("low", 1), ("high", 2)])}
    )
    assert outputs[0]["text/plain"] == "Choose name, width where this notebook is running."
    first = base64.b64decode(outputs.pictures[-1]["image/png"])
    chooser.widgets["width"].value = 2
    chooser.drawing.wait()
    assert base64.b64decode(outputs.pictures[-1]["image/png"]) != first
    assert not chooser.said.value
    for name, text in (("none", "name=none: there is no such thing, but &lt;some&gt;."),
                       ("b", "ZeroDivisionError: division by zero")):  # fmt: skip
        chooser.widgets["name"].value = name
        chooser.drawing.wait()
        assert chooser.said.value.startswith(text)


def test_sliders_move_panels(outputs):
    chooser = Chooser(lambda alpha: drawing.function(f"elu {alpha}", build("elu", alpha=alpha)),
                      {"alpha": widget("alpha", Slider(0.1, 3, 1.0))})  # fmt: skip
    assert {"image/png", "text/html"} <= outputs.pictures[0].keys()
    chooser.widgets["alpha"].value = 2.5
    chooser.drawing.wait()
    assert "elu 2.5" in outputs.pictures[-1]["text/html"]
    assert "image/png" in outputs.pictures[-1]


def test_probabilities_are_those_of_softmax():
    logits, shares = (panel.marks[0].heights for panel in drawing.probabilities([1.0, 2.0, 3.0]).panels)
    assert logits == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(shares, np.exp(logits) / np.exp(logits).sum(), rtol=1e-6)


@pytest.fixture
def tables(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "RUNS", tmp_path / "runs")
    small = ("model.width=8", "seeds=3", "train.epochs=1", "dataset.train_limit=96")
    return demo.runs(*small, activations=["relu", "elu", "tanh"], depths=[1, 2])


def test_a_verdict_is_of_what_was_picked(tables):
    said, figure = verdict(tables, ["elu", "relu"], 1)
    assert isinstance(said, Markdown)
    assert "At depth 1" in said.data
    assert "tanh" not in said.data
    assert "95 % interval" in said.data
    assert isinstance(figure, Figure)
    with pytest.raises(StudyError, match=r"^depth=7: no run of elu has it; the depths are 2, 1\.$"):
        verdict(tables, ["elu"], 7)


def test_another_group_has_other_variants_to_pick(outputs, tables):
    fewer = tables._replace(metrics=tables.metrics[tables.metrics.variant != "tanh"])
    chooser = verdicts.chooser_of({"all": lambda: tables, "fewer": lambda: fewer})
    assert chooser.widgets["variants"].value == ("relu", "elu", "tanh")
    chooser.widgets["runs"].value = "fewer"
    chooser.drawing.wait()
    assert chooser.widgets["variants"].value == ("relu", "elu")
    assert not chooser.said.value
    chooser.widgets["variants"].value = ()
    chooser.drawing.wait()
    assert not chooser.said.value


def test_several_are_all_marked_at_first():
    assert widget("variants", Several(["a", "b"])).value == ("a", "b")


def test_the_factor_of_a_layer_is_that_of_the_error():
    layers = pd.DataFrame({"activation": "relu", "variant": "relu", "depth": 3, "seed": [0] * 4 + [1] * 4, "step": 0,
                           "layer": [1, 2, 3, 4] * 2, "hidden": [True, True, True, False] * 2,
                           "error_rms": [1, 3, 4, 9, 0.25, 7, 1, 9]})  # fmt: skip
    (row,) = drawing.layer_factors(layers).to_dict("records")
    assert row["factor"] == pytest.approx(0.5)
    assert (row["low"], row["high"], row["n"]) == (0.5, 0.5, 2)
