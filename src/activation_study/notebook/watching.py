"""A training that is watched while it runs: choices, Train, Stop, a slider back through its epochs."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from IPython import get_ipython

from activation_study.activations import names
from activation_study.errors import refuse
from activation_study.notebook.choosing import Newest, show_widgets, told
from activation_study.notebook.filming import Choices, Film, film
from activation_study.notebook.shown import Canvas
from activation_study.notebook.views import VIEWS

PAUSE = 0.05  # seconds from picture to picture, at least
INITS = ("he", "xavier", "glorot_standard", "lecun", "unit_variance", "edge_of_chaos")
DATASETS = ("digits", "mnist", "fashion_mnist", "cifar10")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def live(view: str = "gradients", **chosen: Any) -> None:
    """Trains a network at once, then whatever is chosen: what it looks like inside is drawn while it trains.

    Where somebody can press Stop, the cell ends at once and the training goes on; else it waits for the last picture.

    Args:
        view: "gradients", the gradient norm by layer and the accuracy, or "histograms", the activations by layer.
        chosen: what to begin with, see `filming.Choices`.
    """
    watched = Live(view, **chosen)
    watched.train()
    if not somebody_is_there():
        watched.wait()


def somebody_is_there() -> bool:
    """Whether the cell that runs was sent by a person, who can be asked for input, and not by a program."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and kernel.get_parent("shell").get("content", {}).get("allow_stdin", False)


class Live:
    """The widgets of a training, and below them what it looks like.

    Args:
        view: name of what is drawn.
        chosen: what the widgets say at first.
    """

    def __init__(self, view: str = "gradients", **chosen: Any) -> None:
        from ipywidgets import HTML, Button, Dropdown, HBox, IntSlider, Layout, SelectionSlider, VBox

        if view not in VIEWS:
            refuse("view", view, f"no such view; choose one of {', '.join(VIEWS)}")
        self.view, first = VIEWS[view], Choices(**chosen)
        self.first = first
        self.choices: dict[str, Any] = {
            "activation": Dropdown(options=_with(first.activation, names()), value=first.activation),
            "depth": IntSlider(min=1, max=32, value=first.depth, continuous_update=False),
            "init": Dropdown(options=_with(first.init, INITS), value=first.init),
            "scale": Dropdown(options=_with(first.scale, SCALES), value=first.scale),
            "dataset": Dropdown(options=_with(first.dataset, DATASETS), value=first.dataset),
            "learning_rate": Dropdown(options=_with(first.learning_rate, RATES), value=first.learning_rate),
        }
        for name, widget in self.choices.items():
            widget.description = {"scale": "weights times", "learning_rate": "learning rate"}.get(name, name)
            widget.style = {"description_width": "95px"}
        self.start = Button(description="Train", button_style="primary", icon="play")
        self.halt = Button(description="Stop", icon="stop", disabled=True)
        self.moment = SelectionSlider(options=[("-", 0)], description="epoch", disabled=True,
                                      layout=Layout(width="420px"))  # fmt: skip
        self.said = HTML(layout=Layout(min_height="28px"))
        columns = [VBox(list(self.choices.values())[half]) for half in (slice(0, 3), slice(3, 6))]
        box = VBox([HBox(columns), HBox([self.start, self.halt, self.moment]), self.said])
        show_widgets(box, "Choose, train and stop where this notebook is running.")
        self.canvas, self.film, self.thread = Canvas(), None, None
        self.stopped = threading.Event()
        self.going_back = Newest(self._show)
        self._drawn_at = 0.0
        self.start.on_click(lambda button: self.train())
        self.halt.on_click(lambda button: self.stop())
        self.moment.observe(lambda change: self.going_back.give(change["new"]), "value")

    film: Film | None
    thread: threading.Thread | None

    def train(self) -> None:
        """Begins a training of what the widgets say, in a thread; nothing where one is under way."""
        if self.thread is not None and self.thread.is_alive():
            return
        self.stopped.clear()
        self.start.disabled, self.halt.disabled, self.moment.disabled = True, False, True
        self.said.value = "Reading the data."
        values = {name: widget.value for name, widget in self.choices.items()}
        choices = Choices(**values, seed=self.first.seed, steps=self.first.steps, every=self.first.every)
        self.thread = threading.Thread(target=self._run, args=[choices], daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Has the training end before its next update."""
        self.stopped.set()

    def wait(self) -> None:
        """Returns when the training has come to its end; an interrupt stops it."""
        assert self.thread is not None
        try:
            self.thread.join()
        except KeyboardInterrupt:
            self.stop()
            self.thread.join()

    def _run(self, choices: Choices) -> None:
        try:
            self.film = made = film(choices, self.stopped, self._frame)
            self.said.value = made.end
            if len(made.frames) > 1:
                self.moment.options = [(f"{frame.epoch:.1f}", at) for at, frame in enumerate(made.frames)]
                self.moment.value = len(made.frames) - 1
                self.going_back.wait()
                self.canvas.show(self.view(made))
        except Exception as error:
            self.said.value = told(error)
        finally:
            self.start.disabled, self.halt.disabled = False, True
            self.moment.disabled = self.film is None

    def _frame(self, made: Film) -> None:
        """Draws the newest frame, unless the one before was drawn a moment ago."""
        if len(made.frames) > 1 and time.monotonic() - self._drawn_at >= PAUSE:
            self.canvas.show(self.view(made), still=False)
            self.said.value = f"Training: step {made.steps} of {made.choices.steps}."
            self._drawn_at = time.monotonic()

    def _show(self, at: int) -> None:
        """Draws an earlier frame."""
        if self.film is not None and at < len(self.film.frames):
            self.canvas.show(self.view(self.film, at), still=self.going_back.is_last)


def _with(first: Any, others: Sequence[Any]) -> list[Any]:
    """Choices among which the first one is."""
    return list(others) if first in others else [first, *others]
