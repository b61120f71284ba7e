"""A network of the user's own: trained by its path, told apart by its code, and refused by a sentence."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from activation_study import activations
from activation_study.errors import StudyError
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.networks.layers import Stack
from activation_study.networks.own_code import OwnCode
from activation_study.runs import comparable_hash, read
from activation_study.runs.identity import configuration_hash, scientific
from activation_study.training.execute import execute

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = Path(__file__).with_name("my_networks.py")  # what the README shows
TINY = ["model=own", "seeds=2", "train.epochs=1", "train.batch_size=32", "dataset.train_limit=64", "device=cpu"]

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self, stack, shape, classes, depth=1, width=4):
        super().__init__()
        self.hidden, self.f = stack.linear(64, width), stack.activation(width)
        self.last = stack.linear(width, classes)
        {extra}

    def forward(self, x):
        x = self.f(self.hidden(x.flatten(2)))
        {change}
        return self.last(x)
"""


def stack(*seeds, activation="relu"):
    return Stack(seeds or (0, 1, 2), lambda: activations.build(activation), Initialization())


def build(path, on=None, shape=(1, 8, 8), depth=1, **options):
    return models.build({"name": "own", "path": str(path), "depth": depth, **options}, on or stack(), shape, 10)


@pytest.fixture
def write(tmp_path):
    """Writes a file of the user's and gives the path of the network in it."""

    def write(text=None, name="Net", extra="pass", change="pass"):
        (tmp_path / "mine.py").write_text(text or HEAD.format(extra=extra, change=change))
        return f"{tmp_path / 'mine.py'}:{name}"

    return write


def refused(path, begins, **options):
    with pytest.raises(StudyError) as error:
        build(path, **options)
    text = str(error.value)
    assert begins in text, text
    assert text.endswith(".")
    assert not text.endswith("..")
    assert "\n" not in text


# What works -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "prelu", "rrelu", "elu"])
@pytest.mark.parametrize(("shape", "depth"), [((1, 8, 8), 1), ((3, 5, 7), 3)])
def test_the_readmes_network(activation, shape, depth) -> None:
    network = build(f"{EXAMPLE}:ResidualMLP", stack(3, 4, activation=activation), shape, depth, width=6)
    assert network(torch.rand(2, 5, *shape)).shape == (2, 5, 10)
    assert len(network.blocks) == depth - 1
    assert network.logits.weight.shape == (2, 6, 10)


def test_the_trial_leaves_no_trace() -> None:
    """The weights are those of a network that is built without one, and torch's global stream stands where it was."""
    torch.manual_seed(5)
    network = build(f"{EXAMPLE}:ResidualMLP", stack(7, 8), width=6)
    plain = OwnCode(f"{EXAMPLE}:ResidualMLP").load()(stack(7, 8), (1, 8, 8), 10, depth=1, width=6)
    for ours, theirs in zip(network.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    after = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(3))


def test_a_module_on_the_path_and_a_function() -> None:
    ours = build("activation_study.networks.models.convnet", stack(0), depth=3, width=2)
    builtin = models.build({"name": "convnet", "depth": 3, "width": 2}, stack(0), (1, 8, 8), 10)
    for one, other in zip(ours.parameters(), builtin.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_network_that_takes_no_depth_and_one_that_takes_anything(write) -> None:
    fixed = HEAD.format(extra="pass", change="pass").replace("depth=1, width=4", "width=4")
    assert build(write(fixed), width=5).hidden.weight.shape == (3, 64, 5)
    anything = fixed.replace("width=4)", "**options)").replace("width)", "options['width'])").replace("width,", "5,")
    assert build(write(anything), width=5).hidden.weight.shape == (3, 64, 5)


def test_parameters_of_its_own_and_dataclasses(write) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n" + HEAD.format(
        extra="self.scales = nn.ParameterList([torch.ones(len(stack.seeds), 1, width)])",
        change="x = x * self.scales[0]",
    )
    text += "\n\n@dataclass\nclass Sizes:\n    width: int = 4\n"
    assert len(list(build(write(text)).parameters())) == 5


def test_layers_of_a_convnet_with_noise_and_normalisation_of_its_own(write) -> None:
    """Max pooling, a shortcut with a convolution of its own, noise in training, batch statistics for each replica."""
    path = write("""
from torch import nn
from activation_study.networks.models import MeanOverMaps
from activation_study.networks.layers import StackedMaxPool2d, fold, unfold


class Net(nn.Module):
    def __init__(self, stack, shape, classes, width=4):
        super().__init__()
        self.noise = stack.noise
        self.first, self.f = stack.conv(shape[0], width, 3, padding=1), stack.activation(width)
        self.pool = StackedMaxPool2d(2)
        self.norm = nn.BatchNorm2d(len(stack.seeds) * width, affine=False)
        self.second, self.shortcut = stack.conv(width, width, 3, padding=1), stack.conv(width, width, 1)
        self.g = stack.activation(width)
        self.mean, self.last = MeanOverMaps(), stack.linear(width, classes)

    def forward(self, x):
        x = self.pool(self.f(self.first(x)))
        if self.training and self.noise:
            x = x * self.noise.draw(x, 0.9, 1.1)
        x = unfold(self.norm(fold(x)), len(x))
        return self.last(self.mean(self.g(self.second(x) + self.shortcut(x))))
""")
    assert build(path, depth=2)(torch.rand(3, 5, 1, 8, 8)).shape == (3, 5, 10)


# What does not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nowhere.py:Net", "nowhere.py cannot be read (No such file or directory); give FILE.py:NAME, or"),
        ("nowhere.Net", "model.path=nowhere.Net: there is no Python module nowhere; give FILE.py:NAME, or package."),
        ("no.where.Net", "model.path=no.where.Net: no.where cannot be found (No module named 'no')"),
        ("Net", "model.path=Net: it names no file or module; give FILE"),
        ("conf/train.yaml:Net", "model.path=conf/train.yaml:Net: there is no Python module conf/train.yaml"),
        ("mine.py", "model.path=mine.py: there is no Python module mine; give FILE.py:NAME"),
        ("math.sin", "model.path=math.sin: there is no Python module math"),
        (f"{EXAMPLE}:Residual", "defines no class or function Residual; it defines ResidualMLP"),
        (f"{EXAMPLE}:math", "defines no class or function math; it defines ResidualMLP"),
        ("activation_study.activations.Activation", "give model.path=activation_study.activations.base.Activation"),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere(path, says) -> None:
    refused(path, says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"wide": 3}, "model.wide=3: ResidualMLP has no such option; its options: depth, width"),
        ({"depth": 0}, "model.depth=0: give a whole number of at least 1"),
        ({"depth": None}, "model.depth=null: give a whole number of at least 1"),
        ({"width": "wide"}, "model.width=wide: give a whole number of at least 1"),
        ({"source": "another"}, "my_networks.py has changed since the command began; give it again"),
    ],
)
def test_options_that_make_no_sense(options, says) -> None:
    refused(f"{EXAMPLE}:ResidualMLP", says, **options)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def Net(:", "mine.py fails (SyntaxError: "),
        ("import nothing_of_that_name", "mine.py fails (ModuleNotFoundError in line 1: No module named"),
        ("\n1 / 0\n", "mine.py fails (ZeroDivisionError in line 2: division by zero)"),
        ("Net = 3", "defines no class or function Net; it defines none"),
        (
            "def Net(stack, shape, classes, width): ...",
            "model.width: Net needs a value; give one as +model.width=VALUE",
        ),
        ("def Net(stack): ...", "Net(stack, shape, classes) is not possible (too many positional arguments)"),
        ("def Net(*parts): return 3", "Net makes a int instead of a torch.nn.Module"),
        ("def Net(stack, shape, classes): raise RuntimeError", "mine.py fails (RuntimeError in line 1)"),
        ("from torch import nn\ndef Net(*parts): return nn.Flatten(2)", "nothing that stack.activation makes"),
        ("def Net(stack, *parts): return stack.activation(3)", "nothing that stack.linear or stack.conv makes"),
        (
            "from activation_study.networks.models import mlp as Net",
            "model.path=activation_study.networks.models.mlp",
        ),
        ("def outer():\n    def Net(*a): ...\n    return Net\nNet = outer()", "makes a NoneType instead"),
    ],
)
def test_code_that_cannot_be_used(write, text, says) -> None:
    refused(write(text), says)


@pytest.mark.parametrize(
    ("extra", "change", "says"),
    [
        ("self.own = nn.Linear(4, 4)", "x = self.own(x)", "has a torch.nn.Linear, own, whose parameters all replicas"),
        ("self.own = nn.Linear(4, 2)", "pass", "has a torch.nn.Linear, own"),
        ("self.own = nn.Sequential(nn.Conv2d(1, 2, 3))", "pass", "has a torch.nn.Conv2d, own.0, whose parameters"),
        ("self.own = nn.Parameter(torch.zeros(4))", "x = x + self.own", "a parameter, own, of the shape (4,); its"),
        ("self.own = nn.Parameter(torch.zeros(()))", "x = x + self.own", "a parameter, own, of the shape ()"),
        ("self.own = nn.Parameter(torch.zeros(2, 4))", "x = x + self.own.sum(0)", "lets replicas influence"),
        ("self.own = nn.Parameter(torch.zeros(2, 4))", "pass", "does not use own: there is no gradient"),
        ("self.own = nn.BatchNorm1d(4, affine=False)", "x = self.own(x.flatten(0, 1)).view(x.shape)", "lets replicas"),
        ("pass", "x = x - x.mean(0)", "lets replicas influence"),
        ("pass", "x = x.cumsum(0)", "lets replicas influence"),
        ("pass", "x = x.flip(0)", "lets replicas influence"),
        ("pass", "x = F.dropout(x, 0.5, self.training)", "draws random numbers from torch's"),
        ("self.own = nn.Parameter(torch.randn(2, 1, 4))", "x = x * self.own", "draws random numbers from torch's"),
        ("pass", "return x", "makes (2, 3, 4) of images of the shape (2, 3, 1, 8, 8); it must be (2, 3, 10)"),
        ("pass", "return x, x", "makes tuple of images"),
        ("pass", "x = x.detach() * 0", "does not use its images: there is no gradient"),
        ("pass", "x = x @ torch.ones(5, 4)", "mine.py fails (RuntimeError in line 16: "),
        ("pass", "x = self.f(x)", "once, in the order in which they are registered; that is hidden, f, last, but"),
        ("self.own = stack.linear(width, width)", "pass", "that is hidden, f, last, own, but it runs hidden, f, last"),
        ("self.hidden, self.f = self.f, self.hidden", "pass", "an activation, hidden, that no layer of its own"),
    ],
)  # fmt: skip
def test_a_network_that_breaks_what_the_study_takes_for_granted(write, extra, change, says) -> None:
    refused(write(extra=extra, change=change), says)


def test_a_view_that_only_contiguous_images_allow(write) -> None:
    text = HEAD.format(extra="pass", change="pass").replace("x.flatten(2)", "x.view(-1, 64).view(len(x), -1, 64)")
    refused(write(text), "mine.py fails (RuntimeError in line 15: view size is not compatible")


def test_depth_is_what_the_layers_say(write) -> None:
    path = write()
    refused(path, "model.depth=3: Net has 1 layers that end in an activation; its depth must count those", depth=3)
    fixed = write(HEAD.format(extra="pass", change="pass").replace("depth=1, width=4", "width=4"))
    refused(fixed, "model.depth=3: Net has 1 layers that end in an activation; give model.depth=1", depth=3)


# Its place in the study -----------------------------------------------------------------------------------------------


@pytest.fixture
def own_settings(tiny_settings):
    return lambda path, *more: tiny_settings("model=own", f"model.path={path}", "model.depth=1", *more)


@pytest.fixture
def tiny_settings(compose_settings, tmp_path):
    """Without a width, which not every network takes."""
    return lambda *overrides: compose_settings(
        *TINY, "dataset.valid_size=64", f"runs_dir={tmp_path / 'runs'}", *overrides
    )


def test_the_identity_is_the_code_and_not_the_place(own_settings, write, tmp_path) -> None:
    before = own_settings(write())
    kept = scientific(before)["model"]
    assert kept == {"name": "own", "network": "Net", "source": before["model"]["source"], "depth": 1}
    (tmp_path / "moved.py").write_bytes((tmp_path / "mine.py").read_bytes())
    assert configuration_hash(own_settings(f"{tmp_path / 'moved.py'}:Net")) == configuration_hash(before)
    assert configuration_hash(own_settings(write(), "+model.width=5")) != configuration_hash(before)
    changed = own_settings(write(change="x = 2 * x"))
    assert configuration_hash(changed) != configuration_hash(before)
    assert comparable_hash(scientific(changed)) != comparable_hash(scientific(before))
    assert configuration_hash(own_settings(write())) == configuration_hash(before)


def test_other_networks_have_no_key_of_it(compose_settings) -> None:
    keys = {"name", "depth", "width", "batch_norm", "dropout", "start_from"}
    assert set(compose_settings("dataset=mnist")["model"]) == keys


def test_changed_code_trains_again(own_settings, write) -> None:
    """Even where only a digit changes within the second, which Python's own cache of compiled files overlooks."""
    (first,) = execute(own_settings(write(change="x = 1 * x")))
    (second,) = execute(own_settings(write(change="x = 3 * x")))
    (again,) = execute(own_settings(write(change="x = 1 * x")))
    assert again.folder == first.folder != second.folder
    losses = [run.table("metrics")["loss"].iloc[0] for run in (first, second)]
    assert losses[0] != losses[1]


def test_code_that_changes_between_the_command_and_the_training_is_refused(own_settings, write) -> None:
    settings = own_settings(write())
    write(change="x = 2 * x")
    with pytest.raises(StudyError, match=r"mine\.py has changed since the command began"):
        execute(settings)


def train(*arguments, cwd, options=()):
    return subprocess.run(
        [sys.executable, str(ROOT / "experiments" / "train.py"), *options, *TINY, *arguments],
        cwd=cwd, capture_output=True, text=True, env=os.environ,
    )  # fmt: skip


def test_train_from_the_current_directory(tmp_path) -> None:
    (tmp_path / "my_networks.py").write_text(EXAMPLE.read_text())
    choices = ["model.path=my_networks.py:ResidualMLP", "runs_dir=runs", "+model.width=8"]
    ended = train(*choices, "model.depth=1,3", "activation=elu", cwd=tmp_path, options=["-m"])
    assert ended.returncode == 0, ended.stderr
    tables = read(tmp_path / "runs")
    assert sorted(tables.metrics["depth"].unique()) == [1, 3]
    assert sorted(tables.layers.query("depth == 3")["layer"].unique()) == [1, 2, 3, 4]
    assert {run.config["config"]["model"]["network"] for run in tables.runs} == {"ResidualMLP"}
    again = train(*choices, "model.depth=3", "activation=elu", cwd=tmp_path)
    assert "trained already, nothing to do" in again.stdout
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "error: model.path: a value is missing; give one as model.path=VALUE."),
        (["model.path=my_networks.py:ResidualMLP", "+model.wide=3"], "error: model.wide=3: ResidualMLP has no such"),
    ],
)  # fmt: skip
def test_a_mistake_ends_the_command_with_one_sentence(tmp_path, arguments, says) -> None:
    (tmp_path / "my_networks.py").write_text(EXAMPLE.read_text())
    ended = train(*arguments, "runs_dir=runs", cwd=tmp_path)
    assert ended.returncode == 1
    assert re.fullmatch(re.escape(says) + r"[^\n]*\n", ended.stderr), ended.stderr
    assert not list(tmp_path.glob("runs/*/config.yaml"))
