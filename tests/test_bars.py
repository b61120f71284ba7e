"""Gradient norms as text."""

import io

import numpy as np
import pandas as pd
import pytest

from activation_study.errors import StudyError
from activation_study.runs import bars
from activation_study.runs.overview import of_one
from activation_study.runs.scores import scores_of
from activation_study.training.execute import asked_for, execute, register


def layers(norms: list[list[float]], step: int = 10, rate: float = 0.01) -> pd.DataFrame:
    """Of networks with so many layers each, the last of which is the output layer."""
    rows = [{"seed": seed, "learning_rate": rate, "step": step, "layer": layer, "hidden": layer < len(norms_of_one),
             "grad_norm": norm} for seed, norms_of_one in enumerate(norms)
            for layer, norm in enumerate(norms_of_one, 1)]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_bar_is_as_long_as_the_logarithm_of_its_geometric_mean() -> None:
    table = pd.concat([layers([[9, 9, 9]] * 2, step=0), layers([[1e-4, 1e-3, 1], [1e-4, 1e-1, 1]])])
    head, first, second, out = bars.gradient_bars(table, blocks=False).splitlines()
    assert head == ("gradient norm by layer, step 10, learning rate 0.01, geometric mean of 2 networks; "
                    "bars are logarithmic, from 1e-4 to 1e0")  # fmt: skip
    assert first == "   1  1.0e-04  #"
    assert second == f"   2  1.0e-02  {'#' * 20}"
    assert out == f" out  1.0e+00  {'#' * 40}"


def test_blocks_are_finer_than_letters() -> None:
    lines = bars.gradient_bars(layers([[10**-1.99, 1.0]]), blocks=True).splitlines()
    assert lines[1].endswith("  ▏") or lines[1].endswith("  ▎")
    assert lines[2].endswith("  " + 40 * "█")


def test_what_diverged_or_vanished_has_no_bar() -> None:
    lines = bars.gradient_bars(layers([[np.nan, 0.0, 0.5], [np.inf, 0.0, 0.5]]), blocks=False).splitlines()
    assert lines[1:3] == ["   1        -", "   2        -"]
    assert "5.0e-01" in lines[3]
    assert bars.gradient_bars(layers([[np.nan, np.nan]]), blocks=False).endswith("none is above 0 and finite")
    assert bars.gradient_bars(pd.DataFrame(), blocks=False) == ""


def test_every_learning_rate_has_bars_of_its_own() -> None:
    text = bars.gradient_bars(pd.concat([layers([[1, 1]], rate=0.1), layers([[1, 1]], rate=0.01)]), blocks=False)
    assert text.count("gradient norm by layer") == 2
    assert text.index("learning rate 0.01") < text.index("learning rate 0.1,")


@pytest.mark.parametrize(
    ("encoding", "knows"), [("utf-8", True), ("ascii", False), ("latin-1", False), ("cp437", False)]
)
def test_a_terminal_gets_letters_that_it_knows(encoding, knows) -> None:
    assert bars.knows_blocks(io.TextIOWrapper(io.BytesIO(), encoding=encoding)) is knows


def test_the_status_of_one_run_shows_its_gradients(tiny_settings) -> None:
    settings = tiny_settings()
    (run,) = execute(settings)
    waiting = register(tiny_settings("activation=elu"), asked_for(tiny_settings("activation=elu")))
    text = of_one(settings["runs_dir"], run.name)
    assert text.startswith(f"{run.name}: done\n{scores_of(run)}\ngradient norm by layer")
    assert text.endswith(bars.picture_of(run).splitlines()[-1])
    assert of_one(settings["runs_dir"], run.name[:-3]) == text
    assert of_one(settings["runs_dir"], waiting.name).startswith(f"{waiting.name}: pending")
    with pytest.raises(StudyError, match=r"^run=digits-mlp-2-: 2 runs begin so; choose one of digits-mlp-2-elu"):
        of_one(settings["runs_dir"], "digits-mlp-2-")
    with pytest.raises(StudyError, match=r"^run=nothing: no such run; the nearest are digits-mlp-2-"):
        of_one(settings["runs_dir"], "nothing")
