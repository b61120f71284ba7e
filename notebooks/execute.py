"""Executes the notebooks in place, all of them or those named: `python notebooks/execute.py 01_activations.ipynb`."""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent
LIVE = "application/vnd.jupyter.widget-view+json"


def execute(path: Path, folder: Path = FOLDER, timeout: int = 900) -> NotebookNode:
    """The notebook with fresh outputs, and without what changes from run to run.

    Args:
        path: the notebook; it is not changed.
        folder: where its kernel works.
        timeout: seconds that a cell may take.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", record_timing=False,
                            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
                            resources={"metadata": {"path": str(folder)}})  # fmt: skip
    # The networks are small: threads would only wait for one another. Progress bars are noise in a stored notebook.
    client.execute(env={"OMP_NUM_THREADS": "1", **os.environ, "TQDM_DISABLE": "1"})
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop(LIVE, None)  # a dropdown needs its kernel; the picture beside it stays
            if "image/png" in data:
                data.pop("text/html", None)  # the same picture for a running notebook, which others do not trust
    return notebook


def main(names: list[str]) -> None:
    """Executes the notebooks named, by default all, and writes each back whole or not at all."""
    paths = [FOLDER / Path(name).name for name in names] or sorted(FOLDER.glob("*.ipynb"))
    for path in paths:
        if not path.is_file():
            sys.exit(f"error: {path.name}: no such notebook; choose from {', '.join(_names())}.")
    from activation_study.runs.files import write_text

    for path in paths:
        try:
            notebook = execute(path)
        except CellExecutionError as error:
            sys.exit(f"error: {path.name}: a cell failed; the notebook is kept as it was.\n{error}")
        write_text(path, nbformat.writes(notebook) + "\n")
        print(f"{path.name}: {path.stat().st_size // 1000} kB")


def _names() -> list[str]:
    return sorted(path.name for path in FOLDER.glob("*.ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
