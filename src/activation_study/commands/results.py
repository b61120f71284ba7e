"""The index of what is committed: `python -m activation_study.commands.results` writes results/README.md.

Every line is read from the files beside it: what was measured, the command, the number with its interval, n and scale,
and how long it took on which machine.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from activation_study.claims.ledger import counted
from activation_study.comparison import text
from activation_study.papers import PAPERS, page, results
from activation_study.papers.page import seeds_told
from activation_study.runs import files
from activation_study.runs.archive import RESULTS
from activation_study.runs.overview import duration

MADE_BY = re.compile(r"^Made by `+ ?(.*?) ?`+\.$", re.MULTILINE)
COLUMNS = ["what", "files", "command", "number", "scale", "wall-clock time (not a benchmark)"]
INTRODUCTION = """\
# Results

What lies here, the command that makes it, one of its numbers with its 95 % interval and n, and how long the networks
behind it took to train on which machine. `make results` makes tables and figures again from the packed runs, without
training, and this page from them; the tests hold the tables, the figures and this page against the runs.
"""


def index(folder: Path = RESULTS) -> str:
    """The page over all results in a folder, as Markdown."""
    rows = [*_comparisons(folder), *_claims(folder), *_papers(folder), *_benchmarks(folder)]
    return f"{INTRODUCTION}\n{text.markdown(pd.DataFrame(rows, columns=COLUMNS), ['files', 'command'])}"


def _comparisons(folder: Path) -> Iterator[tuple[str, ...]]:
    """Every experiment: the best variant of its deepest networks."""
    for summary in sorted(folder.glob("*/summary.csv")):
        name = summary.parent.name
        (command,) = MADE_BY.findall((summary.parent / "summary.md").read_text())
        table = pd.read_csv(summary)
        deepest = table[table["depth"] == table["depth"].max()] if table["depth"].notna().any() else table
        best = deepest.loc[deepest["accuracy"].idxmax()]
        at = f"at depth {best['depth']:.0f}, " if best["depth"] == best["depth"] else ""
        accuracy, low, high = (f"{100 * best[key]:.2f}" for key in ("accuracy", "accuracy_low", "accuracy_high"))
        interval = f"{best['diverged']:.0f} diverged" if best["diverged"] else f"[{low}, {high}]"
        number = f"{at}{best.iloc[0]} has the highest test accuracy, {accuracy} % {interval}, n = {best['n']:.0f}"
        scale, hardware, seconds = _of_runs(folder / "tables", name)
        made = f"{duration(seconds)} on {hardware}" if seconds else "not packed"
        yield (
            name,
            _links(name, "summary.md", "differences.png", "learning_curves.png"),
            f"`{command}`",
            number,
            scale,
            made,
        )


def _of_runs(tables: Path, name: str) -> tuple[str, str, float]:
    """Scales, machines and seconds of training of an experiment's packed runs, in one folder or by activation."""
    paths = [tables / name / "runs.json", *sorted(tables.glob(f"{name}_*/runs.json"))]
    entries = [entry for path in paths if path.exists() for entry in json.loads(path.read_text())]
    scales = sorted({entry["config"]["scale"] for entry in entries})
    machines = sorted({entry["environment"]["device"] for entry in entries})
    return ", ".join(scales), "; ".join(machines), sum(entry["status"]["seconds"] for entry in entries)


def _claims(folder: Path) -> Iterator[tuple[str, ...]]:
    path = folder / "claims.csv"
    if not path.exists():
        return
    table = pd.read_csv(path)
    number = counted(table.drop_duplicates("claim")["claim_verdict"])
    scale = ", ".join(sorted(table["scale"].unique()))
    links = "[page](CLAIMS.md), [claims.csv](claims.csv), [claims](claims)"
    yield "claims", links, "`python experiments/claims.py`", number, scale, "from the runs above"


def _papers(folder: Path) -> Iterator[tuple[str, ...]]:
    """Every item that was made: its first number, or else its verdict."""
    for paper in PAPERS.values():
        for item in paper.items:
            result = results.read(folder / "papers", paper, item)
            if result is None:
                continue
            if cells := item.cells(result.table):
                cell = cells[0]
                low, high = (f"{end:.{cell.digits}f}" for end in (cell.ours.low, cell.ours.high))
                number = f"{cell.what}: {cell.ours.value:.{cell.digits}f} [{low}, {high}] {cell.unit}, n = {cell.n}"
            else:
                number = f"{page.verdict(page.outcomes(paper, item, result))} {seeds_told(result.seeds)}"
            links = _links(f"papers/{paper.name}", "README.md", f"{item.name}.png")
            made = f"{duration(60 * result.minutes)} on {'; '.join(result.hardware)}"
            command = f"`{page.command(paper, item, result)}`"
            yield f"{paper.name} {item.name}", links, command, number, result.scale, made


def _benchmarks(folder: Path) -> Iterator[tuple[str, ...]]:
    """Every machine: how much faster than a usual training 20 networks train side by side."""
    for path in sorted(folder.glob("benchmarks/*/throughput.csv")):
        table = pd.read_csv(path)
        usual = table[table["contender"].str.startswith("usual script")]
        most = usual.loc[usual["times_study"].idxmax()]
        number = (
            f"{most['replicas']:.0f} networks, {most['contender']}: {most['times_study']:.1f} times as long as here, "
            f"{most['median_ms']:.1f} ms a step and network [{most['min_ms']:.1f}, {most['max_ms']:.1f}: the "
            f"least and the largest], n = {most['rounds']:.0f} rounds"
        )
        links = _links(f"benchmarks/{path.parent.name}", "README.md", "throughput.png")
        yield f"speed, {path.parent.name}", links, "`python benchmarks/run.py`", number, "-", "-"


def _links(folder: str, *names: str) -> str:
    return ", ".join(f"[{name}]({folder}/{name})" for name in names)


if __name__ == "__main__":
    files.write_text(RESULTS / "README.md", index())
    print(RESULTS / "README.md")
