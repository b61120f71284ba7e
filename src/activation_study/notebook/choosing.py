"""Choices beside a picture: every change draws it again, in a thread, so that the notebook goes on meanwhile."""

import contextlib
import html
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from IPython.display import display

from activation_study.errors import StudyError
from activation_study.notebook.panels import Panels
from activation_study.notebook.shown import Canvas, Shown

NOTHING = object()


class Slider(NamedTuple):
    """A choice of a number.

    Attributes:
        low: the smallest.
        high: the largest.
        start: the one to begin with.
        step: from one to the next.
    """

    low: float
    high: float
    start: float
    step: float = 0.05


class Several(NamedTuple):
    """A choice of any number of things; all, to begin with."""

    options: Sequence[Any]


class Newest:
    """Hands values to a function, in a thread, one after the other; of those that come meanwhile only the newest.

    Args:
        call: takes a value.
    """

    def __init__(self, call: Callable[[Any], None]) -> None:
        self.call = call
        self.thread: threading.Thread | None = None
        self._next: Any = NOTHING
        self._lock = threading.Lock()

    def give(self, value: Any) -> None:
        """Has the function called with a value, unless a newer one comes before its turn."""
        with self._lock:
            idle, self._next = self.thread is None, value
            if idle:
                self.thread = threading.Thread(target=self._work, daemon=True)
                self.thread.start()

    @property
    def is_last(self) -> bool:
        """Whether no newer value waits."""
        return self._next is NOTHING

    def wait(self) -> None:
        """Returns when all is done."""
        if (thread := self.thread) is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                value, self._next = self._next, NOTHING
                if value is NOTHING:
                    self.thread = None
                    return
            self.call(value)


class Chooser:
    """Widgets, a line that says what is the matter, and below them what is drawn of their values.

    Args:
        draw: makes one or several parts, always as many, of the widgets' values.
        widgets: by the name of the argument.
    """

    def __init__(self, draw: Callable[..., Any], widgets: dict[str, Any]) -> None:
        from ipywidgets import HTML, Layout, VBox

        self.draw, self.widgets = draw, widgets
        self.said = HTML(layout=Layout(min_height="28px"))  # so that the picture stays where it is
        self.drawing = Newest(self._redraw)
        parts = self._drawn(self._values())
        show_widgets(
            VBox([*widgets.values(), self.said]), f"Choose {', '.join(widgets)} where this notebook is running."
        )
        self.canvases = [Canvas() for _ in parts]
        for canvas, part in zip(self.canvases, parts, strict=True):
            canvas.show(part)
        self._is_silent = False
        for each in widgets.values():
            each.observe(lambda change: self.redraw(), "value")

    def redraw(self) -> None:
        """Draws what the widgets say now."""
        if not self._is_silent:
            self.drawing.give(self._values())

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Inside, changes of the widgets draw nothing."""
        self._is_silent = True
        try:
            yield
        finally:
            self._is_silent = False

    def _values(self) -> dict[str, Any]:
        return {name: each.value for name, each in self.widgets.items()}

    def _drawn(self, values: dict[str, Any]) -> list[Shown]:
        parts = self.draw(**values)
        return parts if isinstance(parts, list) else [parts]

    def _redraw(self, values: dict[str, Any]) -> None:
        self.said.value = "One moment: what is missing is being trained."
        try:
            pairs = list(zip(self.canvases, self._drawn(values), strict=True))
            for canvas, part in pairs:
                canvas.show(part, still=not isinstance(part, Panels))
            for canvas, part in pairs:
                if isinstance(part, Panels) and self.drawing.is_last:
                    canvas.show(part)
            self.said.value = ""
        except Exception as error:
            self.said.value = told(error)


def told(error: Exception) -> str:
    """What a reader is told of a failure, as HTML: a mistake's own sentence, of anything else its kind as well."""
    return html.escape(str(error) if isinstance(error, StudyError) else f"{type(error).__name__}: {error}")


def show_widgets(box: Any, otherwise: str) -> None:
    """Shows widgets, and where no kernel is running a line in their place."""
    data = dict(box._repr_mimebundle_())
    data["text/plain"] = otherwise
    display(data, raw=True)


def choose(draw: Callable[..., Any], **choices: Iterable[Any] | Slider | Several) -> None:
    """Shows what is drawn of choices, with a widget for each argument of `draw`; without a kernel, of the first ones.

    Args:
        draw: makes a figure, panels or a text of one choice of each argument, or a list of them.
        choices: what each argument can be, as values or as pairs of a text and a value; or a slider, or several.
    """
    Chooser(draw, {name: widget(name, values) for name, values in choices.items()})


def widget(name: str, values: Iterable[Any] | Slider | Several) -> Any:
    """The widget of a choice."""
    from ipywidgets import Dropdown, FloatSlider, SelectMultiple

    if isinstance(values, Slider):
        return FloatSlider(min=values.low, max=values.high, step=values.step, value=values.start, description=name)
    if isinstance(values, Several):
        return SelectMultiple(options=values.options, value=tuple(values.options), description=name)
    return Dropdown(options=list(values), description=name)
