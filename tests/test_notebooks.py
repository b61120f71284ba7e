"""The notebooks, executed from first cell to last on networks of a moment's training, as stored, and in JupyterLab."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from helpers import without
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


# In JupyterLab -------------------------------------------------------------------------------------------------------

SHORT = ("imports", "load", "choose", "chooser")  # the cells that are kept for it
CELL = 'live(activation="sigmoid", depth=middle'


@pytest.fixture
def lab(smoke) -> Iterator[str]:
    """The address of notebook 2 in a JupyterLab of its own, shortened, and with a film that nobody sees to its end."""
    if importlib.util.find_spec("jupyterlab") is None:
        without("jupyterlab", "pip install -e '.[notebooks]'")
    notebook = nbformat.read(NOTEBOOKS / "02_vanishing_gradients.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id in SHORT]
    last = notebook.cells[-1]
    assert last.source == f"{CELL})"
    last.source = f"{CELL}, steps=1_000_000)"
    for cell in notebook.cells[::3]:
        cell.outputs, cell.execution_count = [], None
    folder = smoke / "lab"
    folder.mkdir()
    nbformat.write(notebook, folder / "short.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    places |= {f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ("SETTINGS", "WORKSPACES")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}",
               f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--LabApp.news_url="]  # fmt: skip
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **places})
    try:
        for _ in range(600):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/lab/tree/short.ipynb"
    finally:
        server.terminate()  # its kernels with it
        server.wait()


def test_in_jupyterlab_a_picture_moves_until_stop_is_pressed(browser, lab) -> None:
    from playwright.sync_api import expect

    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(120_000)
    page.goto(lab)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    output = page.locator(".jp-CodeCell").last.locator(".jp-OutputArea")
    train, stop = (output.get_by_role("button", name=name) for name in ("Train", "Stop"))
    picture = output.locator("svg[role=img]")
    for _ in range(2):  # the training that the cell begins, and one that is asked for
        first = picture.get_attribute("aria-label")
        expect(picture).not_to_have_attribute("aria-label", first, timeout=60_000)
        stop.click()
        output.get_by_text(re.compile(r"^stopped at step \d+$")).wait_for()
        expect(train).to_be_enabled(timeout=60_000)
        last = picture.get_attribute("aria-label")
        page.wait_for_timeout(1000)
        assert picture.get_attribute("aria-label") == last
        train.click()
    stop.click()
    page.close()
