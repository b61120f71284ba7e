"""The notebooks, executed from first cell to last on networks of a moment's training, and as they are stored."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
FIGURES = {"01_activations": 10, "02_vanishing_gradients": 8, "03_saturation": 8, "04_comparison": 7}
ITEMS = re.findall(r'paper\(\\"(\w+)\\", \\"(\w+)\\"\)', (NOTEBOOKS / "05_papers.ipynb").read_text())
PAPERS = NOTEBOOKS.parent / "results" / "papers"
FIGURES["05_papers"] = 1 + sum((PAPERS / paper / f"{item}.json").exists() for paper, item in ITEMS)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """notebooks/execute.py as a module."""
    specification = importlib.util.spec_from_file_location("execute_notebooks", NOTEBOOKS / "execute.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> Path:
    """A folder for the runs that all notebooks share, in an environment that makes them tiny."""
    folder = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACTIVATION_STUDY_RUNS", str(folder / "runs"))
        patch.setenv("ACTIVATION_STUDY_SCALE", "smoke")
        patch.setenv("TQDM_DISABLE", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        yield folder


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def pictures(notebook: NotebookNode) -> list[str]:
    return [output.data["image/png"] for output in outputs(notebook) if "image/png" in output.get("data", {})]


def complaints(notebook: NotebookNode) -> list[NotebookNode]:
    return [o for o in outputs(notebook) if o.output_type == "error" or o.get("name") == "stderr"]


def test_every_notebook_is_tested():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_notebook_runs_from_nothing(name, script, smoke):
    (smoke / f"{name}.ipynb").write_bytes((NOTEBOOKS / f"{name}.ipynb").read_bytes())
    notebook = script.execute(smoke / f"{name}.ipynb", folder=smoke, timeout=120)
    assert not complaints(notebook)
    assert len(pictures(notebook)) == FIGURES[name]
    assert {path.name for path in smoke.glob("*")} <= {*(f"{other}.ipynb" for other in FIGURES), "runs", "ipython"}


@pytest.mark.parametrize("name", FIGURES)
def test_a_stored_notebook_shows_what_it_made(name):
    path = NOTEBOOKS / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert len(pictures(notebook)) == FIGURES[name]
    assert not complaints(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(len(cell.source.splitlines()) <= 10 for cell in code)
    assert path.stat().st_size < 600_000


@pytest.mark.parametrize("name", FIGURES)
def test_a_stored_notebook_keeps_nothing_of_the_machine_and_the_moment(name, script):
    text = (NOTEBOOKS / f"{name}.ipynb").read_text()
    for word in ("/home/", "/root/", "/tmp/", "site-packages", script.LIVE, "it/s]"):
        assert word not in text


def test_a_failing_cell_leaves_the_notebook_as_it_was(script, tmp_path, monkeypatch):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0", id="wrong")])
    nbformat.write(notebook, tmp_path / "wrong.ipynb")
    before = (tmp_path / "wrong.ipynb").read_bytes()
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    with pytest.raises(SystemExit, match=r"wrong\.ipynb: a cell failed"):
        script.main(["wrong.ipynb"])
    with pytest.raises(SystemExit, match=r"right\.ipynb: no such notebook; choose from wrong\.ipynb"):
        script.main(["right.ipynb"])
    assert (tmp_path / "wrong.ipynb").read_bytes() == before
