"""What a cell shows: pictures, tables, and a place whose picture can be replaced from any thread."""

import base64
import html
import io
from typing import Any

import pandas as pd
from IPython.display import DisplayHandle, Image, Markdown, display
from matplotlib.figure import Figure
from PIL import Image as Pillow

from activation_study.comparison import text
from activation_study.figures.style import context
from activation_study.notebook.panels import Panels, as_figure, as_svg

DPI = 110
DARK = ('[data-jp-theme-light="false"]', "body.vscode-dark", 'html[theme="dark"]')  # JupyterLab, VS Code, Colab
Shown = Figure | Panels | Markdown


def picture(figure: Figure | Panels) -> Image:
    """A figure as a picture that a cell shows; its titles and footer are the text for those who cannot see it."""
    figure = as_figure(figure) if isinstance(figure, Panels) else figure
    panels_shown = ", ".join(filter(None, (ax.get_title("left") for ax in figure.axes)))
    parts = filter(None, (figure.get_suptitle(), panels_shown, figure.get_supxlabel()))
    alt = " ".join(". ".join(parts).split()).replace(r"\$", "$")  # which `plain` has escaped
    return Image(_png(figure), format="png", embed=True, alt=alt)


def table(frame: pd.DataFrame, digits: int = 3) -> Markdown:
    """A table that every viewer of notebooks shows; numbers get so many significant digits."""
    texts = frame.map(lambda value: f"{value:#.{digits}g}".rstrip(".") if isinstance(value, float) else str(value))
    return Markdown(text.markdown(texts.replace("nan", "-")))


def show(*parts: Image | Markdown) -> None:
    """Shows one after the other."""
    for part in parts:
        display(part)


class Canvas:
    """A place in a cell's output whose content can be replaced, from any thread."""

    def __init__(self) -> None:
        self.handle: DisplayHandle | None = None

    def show(self, part: Shown, still: bool = True) -> None:
        """Shows a part in the place of the one before.

        Args:
            part: what to show; panels are SVG where the notebook is running.
            still: whether a picture that stays is wanted of panels too, which takes a tenth of a second.
        """
        data, metadata = bundle(part, still)
        if self.handle is None:
            self.handle = display(data, metadata=metadata, raw=True, display_id=True)
        else:
            self.handle.update(data, metadata=metadata, raw=True)


def bundle(part: Shown, still: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is sent to a notebook's reader for a part, by the type of its content, and what is said of it."""
    if isinstance(part, Markdown):
        return {"text/markdown": part.data, "text/plain": part.data}, {}
    data: dict[str, Any] = {}
    if isinstance(part, Panels):
        data = {"text/html": as_svg(part), "text/plain": f"{part.title}. {part.note}"}
        if not still:
            return data, {}
    image = picture(part)
    data["image/png"] = base64.b64encode(image.data).decode()
    data.setdefault("text/html", _in_theme(data["image/png"], image.alt))
    data.setdefault("text/plain", image.alt)
    return data, {"image/png": {"alt": image.alt}}


def _in_theme(png: str, alt: str) -> str:
    """The picture as HTML: on a dark page its ground becomes dark and its ink light, and colours keep their hue."""
    style = f"{', '.join(f'{page} .study' for page in DARK)} {{ filter: invert(0.93) hue-rotate(180deg) }}"
    return f'<style>{style}</style><img class="study" alt="{html.escape(alt)}" src="data:image/png;base64,{png}">'


def _png(figure: Figure) -> bytes:
    """The figure in 256 colours, a third of the size that it has in millions of them."""
    drawn, small = io.BytesIO(), io.BytesIO()
    with context():
        figure.savefig(drawn, format="png", dpi=DPI)
    # Median cut, the usual method, would give rare colours away, such as that of a title.
    few = Pillow.open(drawn).convert("RGB").quantize(256, Pillow.Quantize.FASTOCTREE, dither=Pillow.Dither.NONE)
    few.save(small, format="PNG", optimize=True)
    return small.getvalue()
