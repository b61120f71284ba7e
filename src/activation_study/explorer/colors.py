"""The figures' colours for a page in light and in dark: each moved away from the background until it stands out."""

from collections.abc import Iterable
from typing import Any

from activation_study.figures.style import looks

BACKGROUNDS = {"light": "#ffffff", "dark": "#14171c"}
LEAST = 4.5  # contrast of a line with the background; WCAG 2.2 asks for 3, and for 4.5 where there is text


def palette(labels: Iterable[str]) -> dict[str, dict[str, str]]:
    """For each label its colour in light and in dark, and its dashes as SVG has them."""
    return {
        label: {theme: readable(look.color, background) for theme, background in BACKGROUNDS.items()}
        | {"dashes": _dashes(look.dashes)}
        for label, look in looks(labels).items()
    }


def readable(color: str, background: str) -> str:
    """A colour mixed with white or black, whichever the background is not, no more than its contrast needs."""
    towards = 255 if luminance(background) < 0.2 else 0
    channels = _channels(color)
    for share in range(101):
        mixed = [round(value + (towards - value) * share / 100) for value in channels]
        text = "#" + "".join(f"{value:02x}" for value in mixed)
        if contrast(text, background) >= LEAST:
            break
    return text


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def _dashes(dashes: Any) -> str:
    named = {"-": "", "--": "6 3", "-.": "6 3 1 3", ":": "1 2"}
    return named[dashes] if isinstance(dashes, str) else " ".join(f"{2 * length:g}" for length in dashes[1])
