"""Every command that the README and the pages of docs/ show works, and so does all that they add."""

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from activation_study.claims import EVIDENCE, Found, judge
from activation_study.papers.item import Made
from activation_study.runs import read

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    command
    for text in [body for language, body in BLOCKS if language == "bash"]
    + re.findall(r"`((?:python|make) [^`]+)`", TEXT)
    for line in text.splitlines()
    if (command := line.split("  #")[0].strip())
]
# What makes any of the commands a matter of seconds.
SMALL = [
    "train.epochs=1",
    "train.batch_size=32",
    "dataset.train_limit=64",
    "dataset.valid_size=64",
    "seeds=1",
    "model.width=4",
]


LENGTHS = ("train.epochs", "dataset.train_limit")  # which an example may shorten in its own way


def test_the_pages_have_commands() -> None:
    assert {"make demo", "make teach", "python experiments/compare.py dataset=digits"} <= set(COMMANDS)
    assert len(COMMANDS) > 30


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    links = re.findall(r"\]\((docs/[^)#]+)", (ROOT / "README.md").read_text())
    assert {ROOT / link for link in links} == set(PAGES[2:])


def test_the_first_screen_has_the_answer_and_the_way_on_is_short() -> None:
    """Two screens of fifty lines at most before the table of folders; picture and papers on the first."""
    before, _, _ = (ROOT / "README.md").read_text().partition("## What is where")
    assert len(before.splitlines()) <= 100
    first = before.partition("## Start")[0]
    assert "![" in first
    assert len(re.findall(r"\]\(https://", first)) == 5


@pytest.mark.parametrize("command", sorted({c for c in COMMANDS if c.startswith("make ")}))
def test_make_target_exists(command) -> None:
    planned = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert planned.returncode == 0, planned.stderr


@pytest.mark.parametrize("command", sorted({c for c in COMMANDS if c.startswith("python ")}))
def test_command_works(command, tmp_path) -> None:
    _, script, *arguments = shlex.split(command)
    if "https://example.org/folder" in command:
        pytest.skip("needs a mirror; tests/test_downloads.py fetches from one of its own")
    if "squareplus" in command:
        pytest.skip("a test below runs it where the activation is added")
    if "my_networks.py" in command or "dataset.root=" in command:
        pytest.skip("tests/test_own.py and tests/test_image_folder.py run it")
    if "hydra/launcher=" in command:
        pytest.skip("tests/test_launchers.py and tests/test_slurm.py run the launchers")
    if re.search("mnist|vanishing|cifar", command) and not os.environ.get("ACTIVATION_STUDY_DATA"):
        pytest.skip("needs the data: ACTIVATION_STUDY_DATA is not set")
    name = Path(script).stem
    if name in ("train", "compare"):
        arguments = [a for a in arguments if a.split("=")[0] not in LENGTHS]
        arguments += [a for a in SMALL if a.split("=")[0] not in "\n".join(arguments) or "." in a]
        if name == "compare":
            arguments += ["depths=[1,2]", f"out={tmp_path}"]
            arguments += [] if re.search("activations=|variants=", command) else ["activations=[relu,elu]"]
    elif name == "claims":
        arguments += [f"out={tmp_path}", "scale=smoke"]
    elif name == "reproduce" or name == "explore":
        arguments += [f"out={tmp_path}"]
    elif name == "status" and "run=" in command:
        made = run("train", *SMALL, "activation=elu", "model.depth=4", f"runs_dir={tmp_path}")
        assert made.returncode == 0, made.stderr
    elif name == "figures":
        made = run("train", *SMALL, "activation=relu", f"runs_dir={tmp_path}")
        assert made.returncode == 0, made.stderr
        arguments += [f"out={tmp_path}"]
    ended = run(name, *arguments, f"runs_dir={tmp_path}")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"experiments/{name}.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_activation_that_the_page_adds_works(tmp_path) -> None:
    (code,) = (body for language, body in BLOCKS if language == "python" and "class Squareplus" in body)
    (choice,) = (body for language, body in BLOCKS if language == "yaml")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    (tmp_path / "my_module.py").write_text(code)
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "squareplus.yaml").write_text(choice + "target: my_module.Squareplus\n")
    ended = subprocess.run(
        [sys.executable, "experiments/train.py", f"--config-dir={tmp_path}", "activation=squareplus", *SMALL,
         f"runs_dir={tmp_path / 'runs'}"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert read(tmp_path / "runs").metrics["activation"].unique() == ["squareplus(b=4)"]


def test_an_activation_in_a_file_of_the_package_is_found(tmp_path) -> None:
    """Its file and its YAML are all that is added; nothing is edited."""
    (code,) = (body for language, body in BLOCKS if language == "python" and "class Squareplus" in body)
    (choice,) = (body for language, body in BLOCKS if language == "yaml")
    for folder in ("src", "conf", "experiments"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (tmp_path / "src" / "activation_study" / "activations" / "squareplus.py").write_text(code)
    (tmp_path / "conf" / "activation" / "squareplus.yaml").write_text(choice)
    (command,) = (command for command in COMMANDS if "squareplus" in command)
    arguments = ["model.depth=1", *SMALL, "runs_dir=runs"]
    ended = subprocess.run(
        [sys.executable, *shlex.split(command)[1:], *arguments],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert set(read(tmp_path / "runs").metrics["activation"]) == {"relu", "squareplus(b=4)"}


LINKS = [(page, link) for page in PAGES for link in re.findall(r"\]\(((?!http)[^)#]*(?:#[^)]*)?)\)", page.read_text())]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda one: str(getattr(one, "name", one)))
def test_link_leads_somewhere(page, link) -> None:
    path, _, place = link.partition("#")
    target = page.parent / path if path else page
    assert target.exists()
    if place:
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
        assert place in [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_reading_runs_as_the_page_does(tmp_path, monkeypatch) -> None:
    (code,) = (body for language, body in BLOCKS if language == "python" and "read(" in body)
    monkeypatch.chdir(tmp_path)
    exec(code, namespace := {})
    assert namespace["runs"] == []


def test_the_network_that_the_page_adds_is_the_one_that_is_tested() -> None:
    assert ("python", (ROOT / "tests" / "my_networks.py").read_text()) in BLOCKS


def added(name: str) -> object:
    """What a block of Python of the pages makes, by its name."""
    (code,) = (body for language, body in BLOCKS if language == "python" and f"\n{name} = " in body)
    exec(code, namespace := {})
    return namespace[name]


def test_the_claim_that_the_page_adds_is_judged() -> None:
    claim = added("CLAIM")
    found = {name: Found(EVIDENCE[name], "desk", "", seeds=[0], depths=[2]) for name in claim.tests}
    assert judge(claim, found).verdict == "not run"
    assert set(claim.tests) == {"mnist", "cifar10"}


def test_the_item_that_the_page_adds_is_made() -> None:
    item = added("ITEM")
    scale = item.scales["smoke"]
    table = item.table(Made({}, [0], {}), scale)
    assert table["gain"].iloc[0] == pytest.approx(2**0.5, rel=1e-6)
    assert item.figure(table, "a note").axes[0].get_title() == "a note"


def test_the_answer_is_what_the_results_say() -> None:
    """Every number and verdict of the README's first screen, from the tables that are committed."""
    first = " ".join((ROOT / "README.md").read_text().partition("## Start")[0].split())
    results = ROOT / "results"
    vanishing = pd.read_csv(results / "vanishing" / "summary.csv").query("variant == 'sigmoid' and depth >= 8")
    ratio = vanishing.set_index("depth")["gradient_ratio"][32]
    assert (
        f"32 layers of sigmoids the gradient norm shrinks by a factor of 10<sup>{-math.log10(ratio):.0f}</sup>" in first
    )
    assert (vanishing["accuracy_high"] < 0.12).all()
    assert (vanishing["saturated"] < 0.005).all()
    assert f"networks only guess (n = {vanishing['n'].max()})" in first
    mnist = pd.read_csv(results / "mnist_tuned" / "differences.csv").query("variant not in ('sigmoid', 'tanh', 'relu')")
    assert ((mnist["low"] <= 0) & (mnist["high"] >= 0)).all()
    assert f"2, 8 or 16 layers once each has its own rate (n = {mnist['n'].max()})" in first
    cifar = pd.read_csv(results / "cifar10_tuned" / "differences.csv").set_index("variant")
    cifar = 100 * cifar[["difference", "low", "high"]]
    elu, prelu = cifar.loc["elu"], cifar.loc["prelu"]
    assert f"ahead of ReLU by {elu['difference']:.0f} points and PReLU by {prelu['difference']:.0f}" in first
    ends = f"{elu['low']:.0f} to {elu['high']:.0f} and {prelu['low']:.0f} to {prelu['high']:.0f}"
    assert f"joint 95 % intervals {ends}, n = 5" in first
    cases = pd.read_csv(results / "claims.csv").drop_duplicates(["claim", "place"]).set_index(["claim", "place"])
    every = pd.read_csv(results / "claims.csv").set_index("claim")
    slopes = every.loc["xu-leaky-10"]
    assert (slopes["high"] < 0).all()
    assert f"is {-slopes['value'].max():.0f} to {-slopes['value'].min():.0f} points lower" in first
    assert f"than with ReLU (n = {slopes['n'].iloc[0]})" in first
    said = cases["case_verdict"]
    where = ["mnist, depth 8", "mnist, depth 16", "cifar10, depth 6"]
    assert list(said["rrelu-best"][where]) == ["contradicted", "contradicted", "undecided"]
    assert set(said["elu-learns-faster"][[f"mnist, depth {depth}" for depth in (2, 8, 16)]]) == {"supported"}
