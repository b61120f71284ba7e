"""The table for a paper: what it holds, and any letters in it."""

import math
import re

import pandas as pd
import pytest

from activation_study.comparison import latex


def shown(**changes: object) -> str:
    rows = pd.DataFrame(
        {"variant": ["relu", "elu", "a_b"], "depth": 2, "learning_rate": [0.01, 0.1, 0.003], "n": 5,
         "diverged": [0, 0, 3], "accuracy": [0.9, 0.95, 0.2], "accuracy_low": [0.88, 0.94, math.nan],
         "accuracy_high": [0.92, 0.96, math.nan]}
    ).assign(**changes)  # fmt: skip
    against = rows[["variant", "depth"]].assign(
        diverged=rows["diverged"],
        reference_diverged=0,
        reference="relu",
        difference=[math.nan, 0.05, -0.7],
        low=[math.nan, 0.03, -1.0],
        high=[math.nan, 0.07, -0.2],
    )
    return latex.table(rows, against, "activation", "digits, 50 % of it.", "my_table")


def test_a_row_has_variant_rate_accuracy_n_and_difference() -> None:
    table = shown()
    assert table.splitlines()[8:] == [
        r"\toprule",
        r"activation & rate & accuracy, \% & $n$ & difference, points \\",
        r"\midrule",
        r"relu & 0.01 & $90.00 \pm 2.00$ & 5 & -- \\",
        r"elu & 0.1 & $95.00 \pm 1.00$ & 5 & $+5.00$ $[+3.00, +7.00]$ \\",
        r"a\_b & 0.003 & $20.00$ & 5 (3) & $-70.00$ \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    assert r"\label{tab:my-table}" in table
    assert (
        "Behind $n$ those that diverged: each counts with accuracy 0, and there is no interval where one did. Setting: "
        "digits, 50 \\% of it.}" in table
    )
    assert "diverged" not in shown(diverged=0)


def test_every_row_has_as_many_cells_as_the_table_has_columns() -> None:
    for depths in ([2, 2, 2], [2, 2, 8], [math.nan] * 3):
        lines = shown(depth=depths).splitlines()
        (columns,) = re.findall(r"\\begin\{tabular\}\{(\w+)\}", "\n".join(lines))
        rows = [line for line in lines if line.endswith(r"\\")]
        assert {row.count("&") + 1 for row in rows} == {len(columns)}
        assert len(rows) == 4
        assert lines.count(r"\addlinespace") == (8 in depths)


def test_one_seed_has_no_interval() -> None:
    assert r"& $90.00$ &" in shown(accuracy_low=math.nan, accuracy_high=math.nan)


@pytest.mark.parametrize(
    ("text", "is_set_as"),
    [
        (r"c$2_a&b#{x}\y^~", r"c\$2\_a\&b\#\{x\}\textbackslash{}y\textasciicircum{}\textasciitilde{}"),
        ("[a] <b>|c", r"{[}a] \textless{}b\textgreater{}\textbar{}c"),
        ("*", "{*}"),
    ],
)
def test_latex_shows_a_name_as_it_is(text, is_set_as) -> None:
    assert latex.escaped(text) == is_set_as
