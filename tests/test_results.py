"""Every table, sentence and verdict that is committed is what the packed runs behind it say, to the last letter.

Where they are not all packed, the test is skipped and says what is missing.
"""

import dataclasses
import io
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from activation_study import CONF
from activation_study.claims import CLAIMS, EVIDENCE, find, judge, page
from activation_study.claims.evidence import NOTHING
from activation_study.commands.claims import all_outcomes
from activation_study.commands.compare import Measured, measure, prepared, written
from activation_study.commands.results import index
from activation_study.errors import StudyError
from activation_study.figures import drawn, learning_rates
from activation_study.figures.fingerprint import fingerprint, of_file
from activation_study.papers import PAPERS
from activation_study.papers import page as page_of_papers
from activation_study.papers import results as papers
from activation_study.runs import available, runs_in
from activation_study.runs.archive import RESULTS, pack

MADE_BY = re.compile(r"^Made by `+ ?python experiments/compare\.py (.*?) ?`+\.$", re.MULTILINE)
TINY = ["dataset=digits", "activations=[relu,elu]", "depths=[1]", "model.width=8", "seeds=2", "train.epochs=1",
        "dataset.train_limit=96", "tune.rates=[0.01,0.1]", "tune.seeds=[1000]", "tune.widenings=0"]  # fmt: skip
NOT_THERE = "are not trained yet"
PRESETS = {name: evidence.preset for name, evidence in EVIDENCE.items() if evidence.preset}


def remade(given: list[str], runs_dir: Path, missing: str = "refuse") -> dict[str, str]:
    """The files but figures that a comparison writes, by name."""
    asked, command, measured = of_runs(given, runs_dir, missing)
    return written(measured, asked, command)[0]


def of_runs(given: list[str], runs_dir: Path, missing: str = "refuse") -> tuple[dict[str, Any], str, Measured]:
    """What a comparison asks for, its command, and what it is made of."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        where = [f"runs_dir={runs_dir}", "device=cpu"]
        asked, choices, tuning = prepared(compose("compare", [*given, *where]), [*given, *where])
        command = shlex.join(["python", "experiments/compare.py", *given])
        return asked, command, measure(choices, tuning, missing)


def held_against_runs(folder: Path, runs_dir: Path) -> None:
    """Fails where a file of a folder of results is not what the runs say; skips where they are not all there."""
    (arguments,) = MADE_BY.findall((folder / "summary.md").read_text())
    try:
        files = remade(shlex.split(arguments), runs_dir)
    except StudyError as error:
        if NOT_THERE not in str(error):
            raise
        pytest.skip(f"results/{folder.name}: {error}")
    for name, content in files.items():
        assert (folder / name).read_text() == content, name


@pytest.fixture
def committed(tmp_path, monkeypatch) -> Path:
    """A folder of runs beside the committed ones, with none of one's own."""
    (tmp_path / "tables").symlink_to(RESULTS / "tables")
    monkeypatch.setattr(available, "RESULTS", tmp_path)
    return tmp_path / "runs"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in RESULTS.glob("*/summary.md")))
def test_committed_comparisons_are_what_the_runs_say(name, committed) -> None:
    held_against_runs(RESULTS / name, committed)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in RESULTS.glob("*/summary.md")))
def test_committed_figures_show_what_the_runs_say(name, committed) -> None:
    figures_held_against_runs(RESULTS / name, committed)


def figures_held_against_runs(folder: Path, runs_dir: Path) -> None:
    """Fails where a PNG does not show what the runs say, or is of an older drawing; skips where runs are missing."""
    (arguments,) = MADE_BY.findall((folder / "summary.md").read_text())
    try:
        asked, _, measured = of_runs(shlex.split(arguments), runs_dir)
    except StudyError as error:
        if NOT_THERE not in str(error):
            raise
        pytest.skip(f"results/{folder.name}: {error}")
    now = dict(drawn(measured.tables, differences={"reference": asked["reference"]}))
    if measured.grids:
        now["learning_rates"] = learning_rates(measured.grids.metrics)
    assert {path.stem for path in folder.glob("*.png")} == now.keys()
    stale = [name for name, figure in now.items() if of_file(folder / f"{name}.png") != fingerprint(figure)]
    assert not stale, f"`make results` draws them again: {', '.join(stale)}"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("papers/*/*.json")), ids=lambda path: path.stem)
def test_committed_figures_of_papers_show_their_tables(path) -> None:
    paper = PAPERS[path.parent.name]
    item = paper.item(path.stem)
    result = papers.read(RESULTS / "papers", paper, item)
    assert of_file(path.with_suffix(".png")) == fingerprint(
        item.figure(result.table, page_of_papers.note(item, result))
    )


def test_the_index_of_the_results_is_what_lies_there() -> None:
    assert (RESULTS / "README.md").read_text() == index(RESULTS)


def test_the_index_leads_to_files_and_changes_with_a_number(tiny) -> None:
    text = index(tiny.parent)
    row = next(line for line in text.splitlines() if line.startswith("| tiny |"))
    best = pd.read_csv(tiny / "summary.csv").sort_values("accuracy").iloc[-1]
    assert f"{best['variant']} has the highest test accuracy, {100 * best['accuracy']:.2f} % [" in row
    assert "n = 2" in row
    assert "python experiments/compare.py" in row
    for link in re.findall(r"\]\(([^)]+)\)", index(RESULTS)):
        assert (RESULTS / link).exists(), link
    table = pd.read_csv(tiny / "summary.csv").assign(accuracy=0.5)
    table.to_csv(tiny / "summary.csv", index=False)
    assert "50.00 %" in index(tiny.parent)


def test_committed_verdicts_are_what_the_runs_say(committed) -> None:
    missing = {}
    for name, preset in PRESETS.items():
        try:
            remade([f"+experiment={preset}"], committed)
        except StudyError as error:
            if NOT_THERE not in str(error):
                raise
            missing[name] = str(error)
    if len(missing) == len(PRESETS):
        pytest.skip(f"results/claims.csv: {'; '.join(f'{name}: {reason}' for name, reason in missing.items())}")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        found = {name: find(one, str(committed), "desk") for name, one in EVIDENCE.items()}
    # What is trained on the spot differs from machine to machine.
    complete = {name for name, one in found.items() if name not in missing and not one.evidence.measure}
    for name in found.keys() - complete:
        found[name] = dataclasses.replace(found[name], load=lambda purpose: NOTHING)
    outcomes = all_outcomes(found, RESULTS / "papers")
    complete |= {name for outcome in outcomes for name in outcome.found} - found.keys()  # the papers' items
    compare_verdicts(page.table(outcomes), RESULTS / "claims.csv", complete)


def compare_verdicts(now: pd.DataFrame, path: Path, complete: set[str]) -> None:
    """Fails where a number, an interval or a verdict is not that of the runs, of the evidence that is complete."""
    ours = pd.read_csv(io.StringIO(now.to_csv(index=False, float_format="%.6g")), dtype=str)
    theirs = pd.read_csv(path, dtype=str)
    is_here = now["place"].str.split(",").str[0].isin(complete)
    whole = is_here.groupby(now["claim"]).transform("all")
    columns = ours.columns.drop(["claim_verdict", "case_verdict"])
    pd.testing.assert_frame_equal(ours.loc[is_here, columns], theirs.loc[is_here, columns])
    pd.testing.assert_frame_equal(ours[whole], theirs[whole])


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """A folder of results of a tiny comparison, whose runs are packed and nowhere else."""
    monkeypatch.setattr(available, "RESULTS", tmp_path)
    for name, content in remade(TINY, tmp_path / "elsewhere", missing="train").items():
        (tmp_path / "tiny").mkdir(exist_ok=True)
        (tmp_path / "tiny" / name).write_text(content)
    pack(runs_in(tmp_path / "elsewhere"), tmp_path / "tables" / "digits")
    shutil.rmtree(tmp_path / "elsewhere")
    return tmp_path / "tiny"


def test_a_comparison_is_made_again_from_packed_runs_and_a_changed_digit_is_seen(tiny) -> None:
    runs_dir = tiny.parent / "runs"
    held_against_runs(tiny, runs_dir)
    assert not runs_dir.exists()
    names = {path.name for path in tiny.iterdir()}
    assert names >= {"summary.md", "summary.csv", "differences.csv", "learning_rates.csv", "summary.tex"}
    for name in names:
        text = (tiny / name).read_text()
        digit = re.search(r"\d(?=\D*$)", text if name != "summary.md" else text[: text.index("Made by")])
        assert digit is not None
        changed = str((int(digit[0]) + 1) % 10)
        (tiny / name).write_text(text[: digit.start()] + changed + text[digit.end() :])
        with pytest.raises(AssertionError, match=name):
            held_against_runs(tiny, runs_dir)
        (tiny / name).write_text(text)


def test_a_comparison_whose_runs_are_not_all_packed_is_skipped_by_name(tiny) -> None:
    page = tiny / "summary.md"
    page.write_text(page.read_text().replace("seeds=2", "seeds=3"))
    with pytest.raises(pytest.skip.Exception, match=r"results/tiny: .*1 of the 3 networks of digits-mlp-1-relu-"):
        held_against_runs(tiny, tiny.parent / "runs")


def test_a_changed_verdict_or_number_is_seen(tmp_path) -> None:
    found = {"functions": find(EVIDENCE["functions"], "none", "desk")}
    claims = [claim for claim in CLAIMS.values() if set(claim.tests) == {"functions"}]
    now = page.table([judge(claim, found) for claim in claims])
    text = now.to_csv(index=False, float_format="%.6g")
    path = tmp_path / "claims.csv"
    path.write_text(text)
    compare_verdicts(now, path, {"functions"})
    number = f"{now['value'].iloc[0]:.6g}"
    for old, new in (("supported", "undecided"), (f",{number},", f",{number}1,")):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(AssertionError):
            compare_verdicts(now, path, {"functions"})
