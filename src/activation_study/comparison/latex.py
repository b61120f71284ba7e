"""The table of a comparison for a paper, in LaTeX with booktabs."""

import re

import pandas as pd

from activation_study.comparison.differences import has_interval

LETTERS = {
    **{letter: rf"\{letter}" for letter in "{}$&%#_"},
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "\n": " ",
}  # fmt: skip


def table(summary: pd.DataFrame, differences: pd.DataFrame, compared: str, setting: str, label: str) -> str:
    r"""A floating table: variant, depth where there are several, learning rate, accuracy, n and the difference.

    Everything else that was measured is in the CSV files beside it.

    Args:
        summary: of `summary.summary`.
        differences: of `differences.differences`.
        compared: what is compared: "activation" or "variant".
        setting: what all networks share, as `text.caption` says it.
        label: what `\ref` calls it, behind "tab:".
    """
    reference = str(differences["reference"].iloc[0])
    against = differences.assign(low=differences["low"].where(has_interval(differences)))
    against = against.set_index(["variant", "depth"])
    has_depths = summary["depth"].nunique() > 1
    heads = [
        compared,
        *(["depth"] if has_depths else []),
        "rate",
        r"accuracy, \%",
        "$n$",
        "difference, points",
    ]
    lines, before = [], None
    for row in summary.itertuples():
        if has_depths and before not in (None, row.depth):
            lines.append(r"\addlinespace")
        before = row.depth
        lost = f" ({row.diverged})" if row.diverged else ""
        cells = [escaped(row.variant), *([f"{row.depth:g}"] if has_depths else []), f"{row.learning_rate:g}",
                 _accuracy(row.accuracy, row.accuracy_low, row.accuracy_high), f"{row.n}{lost}",
                 _difference(against.loc[(row.variant, row.depth)])]  # fmt: skip
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            r"\footnotesize",
            r"\setlength{\tabcolsep}{4pt}",
            rf"\caption{{{_caption(reference, setting, bool(summary['diverged'].any()))}}}",
            rf"\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', label)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: object) -> str:
    """A text of any letters such that LaTeX sets it as it is."""
    plain = "".join(LETTERS.get(letter, letter) for letter in str(text))
    return re.sub(r"^([\[*])", r"{\1}", plain)  # behind the end of a row these would be its options


def _caption(reference: str, setting: str, has_diverged: bool) -> str:
    parts = [
        r"Mean test accuracy over $n$ seeds $\pm$ half its 95\,\% $t$ interval; that interval where 0 or 100\,\%",
        "is an end of it.",
        f"Difference to {escaped(reference)} in points, paired by seed, with intervals that hold jointly at a depth.",
        *(
            ["Behind $n$ those that diverged: each counts with accuracy 0, and there is no interval where one did."]
            if has_diverged
            else []
        ),
        f"Setting: {escaped(setting)}",
    ]
    return " ".join(parts)


def _accuracy(mean: float, low: float, high: float) -> str:
    """In per cent: with its half width, or where the bounds of an accuracy cut the interval with its ends."""
    value, ends = f"{100 * mean:.2f}", (100 * low, 100 * high)
    if low != low:
        return f"${value}$"
    if abs((high - mean) - (mean - low)) > 5e-5:
        return f"${value}$ $[{ends[0]:.2f}, {ends[1]:.2f}]$"
    return rf"${value} \pm {(ends[1] - ends[0]) / 2:.2f}$"


def _difference(row: pd.Series) -> str:
    if row["difference"] != row["difference"]:
        return "--"
    points = f"${100 * row['difference']:+.2f}$"
    return points if row["low"] != row["low"] else f"{points} $[{100 * row['low']:+.2f}, {100 * row['high']:+.2f}]$"
