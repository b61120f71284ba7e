"""An index of the finished runs in a folder, so that reading ten thousand of them takes a moment.

It is `.index.zip` beside the runs: the runs as `archive` packs them, with the times and sizes that their files had. A
run is taken from it only while its files still have those. All else is read from the run's folder, which alone is the
truth: without the index, or with a damaged one, the tables are the same and only take longer. Runs with further tables,
which are large and read by few, are not in it.
"""

import contextlib
import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from activation_study.errors import StudyError
from activation_study.runs import files
from activation_study.runs.archive import Archive, PackedRun, packed
from activation_study.runs.folder import GUARDED, Run

NAME = ".index.zip"
FEWEST = 100  # runs for which an index is made: fewer are read one by one in less than a second
WATCHED = ("status.json", *GUARDED)


def indexed(runs_dir: Path) -> dict[str, PackedRun]:
    """The runs of a folder that its index holds as they are now, by the names of their folders."""
    try:
        file = zipfile.ZipFile(runs_dir / NAME)
        if file.testzip() is not None:
            return {}
        runs = Archive(file.read, runs_dir).runs()
        return {run.folder.name: run for run in runs if run.entry["stamps"] == _stamps(run.folder)}
    except Exception:  # whatever is wrong with it, the runs themselves are there
        return {}


def renewed(runs: Sequence[Run]) -> list[Run]:
    """The runs given, from a new index of their folder where many of them are in none yet."""
    missing: dict[Path, list[Run]] = defaultdict(list)
    for run in runs:
        if not isinstance(run, PackedRun) and not run.further:
            missing[run.folder.parent].append(run)
    known: dict[Path, PackedRun] = {}
    for runs_dir, group in missing.items():
        if len(group) >= FEWEST:
            with contextlib.suppress(OSError, ValueError):  # one has changed or gone meanwhile: they are read singly
                known |= {run.folder: run for run in _made(runs_dir, group).runs()}
    return [known.get(run.folder, run) for run in runs]


def _made(runs_dir: Path, new: Sequence[Run]) -> Archive:
    """The index of a folder with further runs, those of them that are finished and whole; written if it can be."""
    # Stamps are taken before anything is read: a file that changes meanwhile has other ones the next time.
    stamps = {run.folder.name: _stamps(run.folder) for run in new}
    held = indexed(runs_dir)
    whole = {run.folder.name: fresh for run in new if stamps[run.folder.name] and _is_whole(fresh := Run(run.folder))}
    stamps = {name: run.entry["stamps"] for name, run in held.items()} | stamps
    content = packed({**held, **whole}.values(), stamps)

    def fill(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, part in content.items():
                archive.writestr(name, part)

    with contextlib.suppress(StudyError):
        files.write(runs_dir / NAME, fill)
    return Archive(content.__getitem__, runs_dir)


def _stamps(folder: Path) -> list[int]:
    """Time and size of each file of a finished run; none where one is missing."""
    base, stamps = str(folder), list[int]()
    try:
        for name in WATCHED:
            stat = os.stat(f"{base}/{name}")
            stamps += stat.st_mtime_ns, stat.st_size
    except OSError:
        return []
    return stamps


def _is_whole(run: Run) -> bool:
    """Whether a finished run's files are what training has left, and JSON keeps its configuration as it is."""
    return run.damaged_file() is None and json.loads(json.dumps(run.config, default=str)) == run.config
