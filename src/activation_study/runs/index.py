"""An index of the finished runs in a folder, so that reading ten thousand of them takes a moment.

It lies in `.index` beside the runs, as segments: files that each hold what some runs are, and their tables, joined. A
segment is written once and never changed, and a run is taken from it only while the run's own files have the times and
sizes that they had when they were read. All else is read from the run's folder, which alone is the truth: without
`.index`, or with a damaged one, the tables are the same and only take longer.
"""

import contextlib
import hashlib
import io
import json
import os
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from activation_study.errors import StudyError
from activation_study.runs import files
from activation_study.runs.folder import GUARDED, Run, runs_in

FOLDER = ".index"
VERSION = 2  # raised when the content of segments changes
FEWEST, MOST = 100, 1000  # runs of a segment: fewer are read one by one in less than a second
WATCHED = ("status.json", *GUARDED)


class Entry(NamedTuple):
    """What a segment says of a run.

    Attributes:
        stamps: time and size of each of its files when they were read.
        config: what `config.yaml` said.
        environment: what `environment.json` said.
        rows: how many it has in each table.
    """

    stamps: tuple[int, ...]
    config: dict[str, Any]
    environment: dict[str, Any]
    rows: dict[str, int]


class Segment:
    """Finished runs and their tables, joined in the same order.

    Attributes:
        entries: the runs by the names of their folders; none where the file is damaged, of another version, or gone.
        contents: the tables in memory, by name, as Parquet.
        path: the file.
    """

    def __init__(self, entries: dict[str, Entry], contents: dict[str, bytes], path: Path = Path()) -> None:
        self.entries, self.contents, self.path = entries, contents, path

    @classmethod
    def open(cls, path: Path) -> "Segment":
        """A segment on disk, its tables not read yet."""
        try:
            with zipfile.ZipFile(path) as archive:
                version, *runs = json.loads(archive.read("runs.json"))
            entries = _unpacked(*runs) if version == VERSION else {}
        except Exception:  # whatever is wrong with it, the runs themselves are there
            entries = {}
        return cls(entries, {}, path)

    def load(self, names: Sequence[str]) -> bool:
        """Reads tables into memory; says whether they are there and, by the archive's checksums, whole."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                self.contents |= {name: archive.read(name) for name in names}
        except Exception:  # likewise
            return False
        return True

    def table(self, name: str) -> pd.DataFrame:
        """A table in memory, without the columns that say which run a row is of."""
        return pd.read_parquet(io.BytesIO(self.contents[name]))

    def rows(self, table: str) -> dict[str, tuple[int, int]]:
        """The first row of each run in a table, and the one behind its last."""
        ends = accumulate(entry.rows[table] for entry in self.entries.values())
        return dict(zip(self.entries, pairwise([0, *ends]), strict=True))


class Index:
    """The segments of a folder of runs, and the stamps of its runs, as they are when they are first asked for."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._stamps: dict[str, tuple[int, ...]] = {}

    def runs(self) -> Iterator[Run]:
        """The runs in the folder as `runs_in` gives them; what is known of them is not read again."""
        return runs_in(self.runs_dir, known=self._recall)

    def finished(self) -> Iterator[Run]:
        """The finished ones of them."""
        return (run for run in self.runs() if self._segment_of(run) or run.is_finished)

    def holders(self, runs: Sequence[Run], tables: Sequence[str]) -> dict[Run, Segment]:
        """The finished and undamaged ones of the runs, each with a segment that has its tables in memory.

        Those that no segment holds are read from their folders, which makes new segments.

        Args:
            runs: runs of this folder.
            tables: names of the tables that are wanted.
        """
        held: dict[Run, Segment] = {}
        if len(runs) >= FEWEST:
            known = {run: segment for run in runs if (segment := self._segment_of(run))}
            whole = {segment for segment in set(known.values()) if segment.load(tables)}
            held = {run: segment for run, segment in known.items() if segment in whole}
        rest = [run for run in runs if run not in held]
        for begin in range(0, len(rest), MOST):
            held |= self._read(rest[begin : begin + MOST], tables)
        return held

    @cached_property
    def _segments(self) -> list[Segment]:
        return [Segment.open(path) for path in sorted((self.runs_dir / FOLDER).glob("*.zip"))]

    @cached_property
    def _known(self) -> dict[tuple[str, tuple[int, ...]], Segment]:
        return {(name, entry.stamps): segment for segment in self._segments for name, entry in segment.entries.items()}

    def _segment_of(self, run: Run) -> Segment | None:
        """The segment that holds a run as it is now."""
        return self._known.get((run.folder.name, self._stamps_of(run)))

    def _stamps_of(self, run: Run) -> tuple[int, ...]:
        """Taken once, before anything is read: a file that changes meanwhile then has other stamps the next time."""
        name = run.folder.name
        if name not in self._stamps:
            self._stamps[name] = _stamps(run.folder)
        return self._stamps[name]

    def _recall(self, run: Run) -> bool:
        segment = self._segment_of(run)
        if segment is not None:
            _, config, environment, _ = segment.entries[run.folder.name]
            vars(run).update(config=config, environment=environment)  # where its cached properties keep them
        return segment is not None

    def _read(self, runs: Sequence[Run], tables: Sequence[str]) -> dict[Run, Segment]:
        """Reads runs from their folders, and joins those whose tables have the same columns."""
        alike: dict[Any, dict[Run, tuple[Entry, list[pa.Table]]]] = defaultdict(dict)
        for run in runs:
            stamps, fresh = self._stamps_of(run), Run(run.folder)  # the given one may remember an older configuration
            if not fresh.is_finished or (found := _found(fresh, tables)) is None:
                continue
            rows = {name: len(table) for name, table in zip(tables, found, strict=True)}
            whole = bool(stamps) and _is_whole(fresh)
            entry = Entry(stamps, fresh.config, fresh.environment, rows) if whole else Entry((), {}, {}, rows)
            alike[(whole, *(table.schema for table in found))][run] = entry, found
        held: dict[Run, Segment] = {}
        for (whole, *_), members in alike.items():
            entries = {run.folder.name: entry for run, (entry, _) in members.items()}
            columns = zip(*(found for _, found in members.values()), strict=True)
            segment = Segment(entries, {name: _joined(found) for name, found in zip(tables, columns, strict=True)})
            if whole and len(members) >= FEWEST:
                self._keep(segment)
            held |= dict.fromkeys(members, segment)
        return held

    def _keep(self, segment: Segment) -> None:
        """Writes a segment, if the folder can be written, and deletes those that hold no run as it is now."""
        runs = json.dumps([VERSION, *_packed(segment.entries)])
        # Of two segments that hold a run the later one counts: the one with more tables.
        name = f"{len(segment.contents)}-{hashlib.sha256(runs.encode()).hexdigest()[:16]}.zip"
        segment.path = self.runs_dir / FOLDER / name

        def fill(file: IO[bytes]) -> None:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("runs.json", runs)
                for table, content in segment.contents.items():
                    archive.writestr(table, content)

        with contextlib.suppress(StudyError, OSError):
            files.write(segment.path, fill)
            self._known.update({(name, entry.stamps): segment for name, entry in segment.entries.items()})
            self._segments = [*(old for old in self._segments if old.path != segment.path), segment]
            for one in self._segments:
                if one not in (self._known.get((name, _stamps(self.runs_dir / name))) for name in one.entries):
                    one.path.unlink(missing_ok=True)


def _packed(entries: dict[str, Entry]) -> tuple[list[Any], dict[str, Any]]:
    """Entries as JSON holds them: first what many runs share, once, then the entries, with its number in its place."""
    numbers: dict[str, int] = {}

    def shared(value: object) -> int:
        return numbers.setdefault(json.dumps(value), len(numbers))

    runs = {
        name: [stamps, config | {"config": shared(config["config"])}, shared(environment), rows]
        for name, (stamps, config, environment, rows) in entries.items()
    }
    return [json.loads(text) for text in numbers], runs


def _unpacked(shared: list[Any], runs: dict[str, Any]) -> dict[str, Entry]:
    """The entries again; runs share what is equal, which saves most of their memory."""
    return {
        name: Entry(tuple(stamps), config | {"config": shared[config["config"]]}, shared[environment], rows)
        for name, (stamps, config, environment, rows) in runs.items()
    }


def _found(run: Run, tables: Sequence[str]) -> list[pa.Table] | None:
    """The tables of a finished run; one with a damaged file is named on stderr."""
    try:
        return [parquet.read_table(io.BytesIO(run.content(name))) for name in tables]
    except (OSError, ValueError) as error:
        print(f"warning: {error}; the run is left out.", file=sys.stderr)
        return None


def _stamps(folder: Path) -> tuple[int, ...]:
    """Time and size of each file of a finished run; empty where one is missing."""
    base, stamps = str(folder), list[int]()
    try:
        for name in WATCHED:
            stat = os.stat(f"{base}/{name}")
            stamps += stat.st_mtime_ns, stat.st_size
    except OSError:
        return ()
    return tuple(stamps)


def _is_whole(run: Run) -> bool:
    """Whether a finished run's files are what training has left, and JSON keeps its configuration as it is."""
    return run.damaged_file() is None and json.loads(json.dumps(run.config, default=str)) == run.config


def _joined(tables: Sequence[pa.Table]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pa.concat_tables(tables), buffer)
    return buffer.getvalue()
