"""Lines named where they end, at the right edge of a panel, and not in a key."""

from collections.abc import Mapping

from matplotlib.axes import Axes


def end_labels(ax: Axes, ends: Mapping[str, tuple[float, float, str]], letters: float = 7.5) -> None:
    """Names lines at the right edge of a panel, at the height where each ends or as near to it as there is room.

    Call it when the limits of the axes are final.

    Args:
        ax: the panel.
        ends: by text, where its line ends, x and y of the data, and its colour.
        letters: size of the texts in points.
    """
    inches = ax.get_window_extent().height / ax.figure.dpi
    gap = 1.25 * letters / 72 / inches  # as a share of the panel's height
    to_share = ax.transData + ax.transAxes.inverted()
    wanted = {text: float(to_share.transform((x, y))[1]) for text, (x, y, _) in ends.items()}
    for text, height in spread(wanted, gap).items():
        x, y, color = ends[text]
        ax.text(1.04, height, text, transform=ax.transAxes, va="center", fontsize=letters, color=color)
        line = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        ax.annotate("", (x, y), (1.03, height), xycoords="data", textcoords="axes fraction", arrowprops=line,
                    annotation_clip=False, in_layout=False)  # fmt: skip


def spread(heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """Heights between 0 and 1 moved apart as little as keeps a gap between each two, in the order that they have."""
    order = sorted(heights, key=lambda text: heights[text])
    blocks: list[tuple[float, int]] = []  # middle and number of texts that touch one another
    for text in order:
        blocks.append((heights[text], 1))
        while True:
            middle, count = blocks[-1]
            half = min(gap * (count - 1) / 2, 0.5)
            blocks[-1] = min(max(middle, half), 1 - half), count
            if len(blocks) < 2 or blocks[-1][0] - blocks[-2][0] >= gap * (blocks[-1][1] + blocks[-2][1]) / 2 - 1e-9:
                break
            (upper, above), (lower, below) = blocks.pop(), blocks.pop()
            blocks.append(((upper * above + lower * below) / (above + below), above + below))
    placed = [middle + gap * (k - (count - 1) / 2) for middle, count in blocks for k in range(count)]
    return dict(zip(order, placed, strict=True))
