"""Which runs a reader gets: the user's own, or where there are none yet, those that come with the repository."""

import functools
import sys
from pathlib import Path

from activation_study.runs.archive import RESULTS, Archive, PackedRun
from activation_study.runs.folder import Run, runs_in
from activation_study.runs.index import indexed


def found(runs_dir: Path | str) -> list[Run]:
    """The runs in a folder, whatever their state, in the order of their names.

    Where results/runs holds none they are those that come with the repository, and stderr says so.
    """
    runs_dir = Path(runs_dir)
    runs = list(runs_in(runs_dir, known=indexed(runs_dir)))
    if runs or not (kept := given_with(runs_dir)):
        return runs
    _say(
        f"{runs_dir} holds no runs of your own: reading the {len(kept)} that come with the repository, "
        f"{runs_dir.parent / 'tables'}."
    )
    return list(kept)


def given_with(runs_dir: Path | str) -> list[PackedRun]:
    """The runs that come with the repository, which stand beside those in results/runs; none for another folder."""
    if Path(runs_dir).resolve() != (RESULTS / "runs").resolve():
        return []
    runs = [run for path in (RESULTS / "tables").glob("*/runs.json") for run in _opened(path, path.stat().st_mtime_ns)]
    return sorted({run.folder.name: run for run in runs}.values(), key=lambda run: run.folder.name)


@functools.lru_cache(maxsize=64)
def _opened(path: Path, time: int) -> list[PackedRun]:
    """The runs of an archive, whose tables stay in memory for who reads them again."""
    return Archive.at(path.parent).runs()


@functools.cache
def _say(sentence: str) -> None:
    """Once a process, however often the runs are read."""
    print(sentence, file=sys.stderr)
