"""Unpacks the runs that are committed in results/tables, so that tables and figures can be made again from them."""

from pathlib import Path

from activation_study.runs.archive import RESULTS, unpack


def main(packed: Path = RESULTS / "tables", runs_dir: Path = RESULTS / "runs") -> None:
    """Unpacks all packed runs in a folder of folders, and says how many there are."""
    for folder in sorted(path.parent for path in packed.glob("*/runs.json")):
        print(f"{folder.name}: {len(unpack(folder, runs_dir))} runs in {runs_dir}")


if __name__ == "__main__":
    main()
