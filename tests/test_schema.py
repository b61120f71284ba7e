"""Whatever a user gives, a command checks all of it before it reads or writes: one sentence, exit 1, no folder."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from activation_study import CONF, activations, datasets, schema
from activation_study.config import settings as read_settings
from activation_study.errors import StudyError, nearest, shown
from activation_study.networks import models
from activation_study.networks.initialization import Initialization
from activation_study.schema.compounds import Group, Seeds
from activation_study.schema.kinds import Number, Size, Whole
from activation_study.schema.signatures import options_of
from activation_study.training import optimizers

ROOT = Path(__file__).resolve().parents[1]
RUN = "dataset=digits model.depth=2 train.epochs=1 seeds=2 runs_dir=runs"
BASE = {
    "train": RUN,
    "compare": f"{RUN} out=out tune.rates=null activations=[relu,elu]",
    "figures": "runs_dir=runs out=out",
    "claims": "runs_dir=runs out=out scale=smoke",
    "explore": "runs_dir=runs out=out",
    "data": "data_dir=data",
    "status": "runs_dir=.",
}
OWN = f"model=own model.path={ROOT / 'tests' / 'my_networks.py'}:ResidualMLP"
ACTIVATIONS = "centred_elu, elu, gelu, lrelu, mish, offset_relu, prelu, relu, rrelu, selu, shifted_relu"
SETS = "digits, mnist, fashion_mnist, cifar10, cifar100"
SEEDS = "give a number of seeds of at least 1, such as 5, or a list such as [0,1,2]"

# A command, what is given besides, and how its sentence begins; @ is what is given last.
CASES = f"""
train   | checkpoint_seconds=abc | @: give a number of at least 0.
train   | checkpoint_seconds=null | @: give a number of at least 0.
train   | checkpoint_seconds=-1 | @: give a number of at least 0.
train   | threads=abc | @: give a whole number of at least 1, or null.
train   | threads=-1 | @: give a whole number of at least 1, or null.
train   | threads=100000 | @: give a whole number from 1 to 1024, or null.
train   | device=null | @: give auto, cpu, cuda or cuda:N.
train   | device=cuda:99 | @: there is no such device here; choose auto, cpu, cuda or cuda:N.
train   | device=meta | @: give auto, cpu, cuda or cuda:N.
train   | device=5 | @: give auto, cpu, cuda or cuda:N.
train   | reproducible=yes | @: give true or false.
train   | keep_weights=off | @: give true or false.
train   | keep_weights=1 | @: give true or false.
train   | export=csv | @: no such exporter; choose one of null, tensorboard.
train   | scale=null | @: no such scale; choose one of paper, desk, smoke.
train   | seeds=null | @: {SEEDS}.
train   | seeds=[1.0] | @: {SEEDS}.
train   | seeds=-1 | @: {SEEDS}.
train   | seeds=[1,1] | @: 1 is there twice; give each once.
train   | seeds=20240101 | @: that many seeds are more than 1000; for the one seed 20240101 give seeds=[20240101].
train   | seeds=[9223372036854775808] | @: 9223372036854775808 is too large; give seeds from 0 to
train   | learning_rate=1e-50 | @: give a number above 0, or a list such as [0.1,0.01].
train   | learning_rate=1e39 | learning_rate=1e+39: give a number above 0
train   | learning_rate=[0.1,0.1] | @: 0.1 is there twice; give each once.
train   | learning_rate=true | @: give a number above 0
train   | train.epochs=1000000000000 | @: give a number from 0 to 1e+06.
train   | probes.every=0.5 | @: give a whole number of at least 0.
train   | train=5 | @: this is a group of keys; give them as train.KEY=VALUE.
train   | train=null | @: this is a group of keys; give them as train.KEY=VALUE.
train   | probes=[1] | @: this is a group of keys; give them as probes.NAME=VALUE.
train   | ~train.epochs | train.epochs: a value is missing; give one as train.epochs=VALUE.
train   | ~model.depth ~model | model: a value is missing; give one as model=VALUE.
train   | ~activation | activation: a value is missing; give one as activation=VALUE.
train   | learning_rate=${{nothing}} | learning_rate: it cannot be resolved (Interpolation key 'nothing' not found).

train   | +lr=0.5 | lr=0.5: no such key; the nearest are learning_rate.
train   | foo=1 | @: no such key; `--help` lists the keys.
train   | foo | foo: it has no value; give one as foo=VALUE.
train   | model.dept=3 | @: no such key; the nearest are model.depth
train   | +train.dropout=0.5 | train.dropout=0.5: no such key; the nearest are train.epochs.
train   | +train.zzz=5 | train.zzz=5: no such key; the nearest are train.epochs, train.batch_size, train.precision
train   | +dataset.augment.rotate=10 | dataset.augment.rotate=10: no such key; the nearest are dataset.augment.flip
train   | +activations=[relu] | activations=[relu]: train.py has no use for it; only compare.py has it.
train   | +tune.rates=[0.1] | tune.rates=[0.1]: train.py has no use for it; only compare.py has it.
compare | +size=5 | size=5: compare.py has no use for it; it is for presets to compute with.

train   | runs_dir=2024 | @: this is no text to Hydra; for a folder of that name give runs_dir=./2024.
train   | runs_dir=true | @: this is no text to Hydra; for a folder of that name give runs_dir=./true.
train   | runs_dir=null | @: give a folder, as runs_dir=PATH.
train   | runs_dir= | @: give a folder, as runs_dir=PATH.
train   | runs_dir=[a] | @: give a folder, as runs_dir=PATH.
train   | runs_dir=/dev/null/runs | @: /dev/null is a file; choose another folder.
train   | runs_dir={"n" * 300} | runs_dir={"n" * 120}...: no file can have such a name
train   | runs_dir=~nobody-here/runs | @: it has characters that mean something to Hydra
train   | runs_dir="~nobody-here/runs" | runs_dir=~nobody-here/runs: there is no such user; give a folder
train   | runs_dir=runs/lr=0.1 | @: it has characters that mean something to Hydra; quote a text twice, 'runs_dir="runs/lr=0.1"'
train   | data_dir=5 | @: this is no text to Hydra; for a folder of that name give data_dir=./5.
train   | model.depth=2,3 | @: several values make a sweep; add -m, or for one list give model.depth=[2,3].

train   | dataset=null | @: no such choice; choose one of cifar10, cifar100, digits
train   | dataset=5 | @: no such choice; choose one of cifar10, cifar100, digits
train   | dataset=[digits,mnist] | @: a run has one; give one, or sweep over several with -m and commas.
train   | dataset.augment=null | @: this is a group of keys; give them as dataset.augment.KEY=VALUE.
train   | dataset.augment.flip=no | @: give true or false.
train   | dataset.augment.padding=-1 | @: give a whole number of at least 0.
train   | dataset.size=[32,32] | @: no such key; the nearest are dataset.valid_size
train   | +dataset.size=[32,32] | dataset.size=[32,32]: dataset=digits has no such option; its options: valid_size
train   | dataset.valid_size=0.0 | @: give a whole number of images of at least 0, or a share between 0 and 1.
train   | dataset.valid_size=null | @: give a whole number of images of at least 0, or a share between 0 and 1.
train   | dataset.train_limit=0 | @: give a whole number of at least 1, or null.
train   | dataset.split_seed=4294967296 | @: give a whole number from 0 to 4294967295.
train   | dataset.preprocessing=whiten | @: no such choice; choose one of standardize, gcn_zca, raw.
train   | dataset.mirror=example.org | @: give a base URL that begins with https://
train   | dataset=image_folder | dataset.root: a value is missing; give one as dataset.root=VALUE.
train   | dataset=image_folder dataset.root=nowhere | @: this is no folder; give one that is there.
train   | dataset=image_folder dataset.root=. dataset.size=[32,32] | @: give a whole number of at least 1.
train   | dataset=image_folder dataset.root=. dataset.channels=true | @: no such choice; choose one of 3, 1.
train   | dataset=image_folder dataset.root=. dataset.test_share=1 | @: give a number above 0 and below 1.
train   | dataset=image_folder dataset.root=. +dataset.folder=a | dataset.folder=a: dataset=image_folder has no such option

train   | activation=elu activation.alpha=1e39 | activation.alpha=1e+39: give a number above 0.
train   | activation=elu activation.alpha=null | @: give a number above 0.
train   | activation=elu activation.alfa=2 | @: no such key; the nearest are activation.alpha
train   | activation=prelu activation.shared=no | @: give true or false.
train   | activation=rrelu activation.lower=9 | @: give a number below activation.upper=8.0.
train   | activation=rrelu activation.variant=mxnet | @: no such choice; choose one of paper, torch.
train   | activation=torch | activation.name: a value is missing; give one as activation.name=VALUE.
train   | activation=torch activation.name=null | @: give a name.
train   | activation=torch activation.name=[relu] | @: give a name.
train   | activation=torch activation.name=CELU +activation.alpha=no | activation.alpha=no: give a number.
train   | +activation.target=5 | activation.target=5: give MODULE.CLASS.
train   | +init.gain=2 | init.gain=2: init=he has no such option; its options: name, mode, distribution, std, by_layer, bias_std.
train   | init.mode=null | @: no such choice; choose one of fan_in, fan_out, fan_avg.
train   | init=normal init.std=1e39 | init.std=1e+39: give a number above 0, or null.
train   | activation=torch activation.name=Threshold +activation.threshold=99 +activation.value=0 init=unit_variance | init.name=unit_variance: Threshold with these options needs
train   | init=edge_of_chaos init.bias_std=0.1 | init.bias_std=0.1: relu with these options has no edge of chaos
train   | init=edge_of_chaos activation=softplus | init.name=edge_of_chaos: softplus with these options has no edge of chaos
train   | init=edge_of_chaos init.bias_std=-1 | init.bias_std=-1: give a number of at least 0.
train   | optimizer.weight_decay=1e39 | optimizer.weight_decay=1e+39: give a number of at least 0.
train   | optimizer.momentum=no | @: give a number from 0 to 1.
train   | optimizer.milestones=null | @: give a number of at least 0, or a list such as [10,15].
train   | optimizer.milestones=[5,5] | @: 5 is there twice; give each once.
train   | optimizer=adam optimizer.epsilon=0 | @: give a number above 0.
train   | optimizer=adam optimizer.beta1=1 | @: give a number of at least 0 and below 1.
train   | optimizer=adam optimizer.beta2=0.99999999 | @: give a number of at least 0 and below 1.
train   | +optimizer.nesterov=true | optimizer.nesterov=true: sgd has no such option; its options: momentum
train   | model.depth=null | @: give a whole number of at least 1.
train   | model.width=20240101 | @: give a whole number from 1 to 65536.
train   | +model.noise=0.1 | model.noise=0.1: mlp has no such option; its options: depth, width, batch_norm, dropout.
train   | model=own | model.path: a value is missing; give one as model.path=VALUE.
train   | {OWN} +model.width=abc | model.width=abc: give a whole number of at least 1.
train   | {OWN} +model.width=-3 | model.width=-3: give a whole number of at least 1.
train   | {OWN} +model.wide=3 | model.wide=3: ResidualMLP has no such option; its options: depth, width.
train   | {OWN} +model.source=a | model.source=a: runs keep this of your own network; call the option otherwise.

compare | activations=[] | @: give the name of an activation, or a list such as [relu,elu].
compare | activations=null | @: give the name of an activation, or a list such as [relu,elu].
compare | activations=[relu,5] | @: give the name of an activation, or a list such as [relu,elu].
compare | activations=[relu,relu] | @: relu is there twice; give each once.
compare | activations=[relu,foo] | activation=foo: no such choice; choose one of {ACTIVATIONS}
compare | activations=[relu,'elu activation.alfa=2'] | activation.alfa=2: no such key; the nearest are activation.alpha
compare | activations=[relu,'elu activation.alpha=no'] | activation.alpha=no: give a number above 0.
compare | activations=[relu,'elu activation.alpha=='] | activation.alpha==: it has characters that mean something
compare | activations=['relu init=he','elu init=xavier'] | activations=[relu init=he,elu init=xavier]: init=he is no option of an activation, and all else is the same for all of them; give options as 'elu activation.alpha=0.5', and what else is to differ as variants=[init=he,...].
compare | activations=['relu init=he','relu init=xavier'] | activations=[relu init=he,relu init=xavier]: init=he is no option
compare | activations=['init=he'] | activations=[init=he]: init=he is no option of an activation
compare | activations=[relu init=he,elu] | @: it has characters that mean something to Hydra; quote a text twice, in a list
compare | activations=[elu,'elu activation.alpha=1.0'] | activations=[elu,elu activation.alpha=1.0]: elu and elu activation.alpha=1.0 are the same; give one of them.
compare | activations=['elu activation.alpha=0.1','elu activation.alpha=0.10000000001'] | activations=[elu activation.alpha=0.1,elu
compare | activation=elu | @: a comparison takes its activations as activations=
compare | variants=[init=he,'init=lecun'] | variants=[init=he,init=lecun]: activations is given as well; give one of the two.
compare | variants=[] | @: give choices such as 'init=xavier init.mode=fan_in', or a list such as [init=he,init=xavier].
compare | variants=['init=he','init=he'] | variants=[init=he,init=he]: init=he is there twice; give each once.
train   | +variants=['init=he'] | variants=['init=he']: train.py has no use for it; only compare.py has it.
compare | depths=[2,2] | @: 2 is there twice; give each once.
compare | depths=[] | @: give a whole number of at least 1, or a list such as [2,8,24].
compare | depths=[2,1000000000] | depths=1000000000: give a whole number from 1 to 10000.
compare | tune=null | @: this is a group of keys; give them as tune.KEY=VALUE.
compare | tune.rates=[] | @: give a number above 0, or a list such as [0.1,0.01].
compare | tune.seeds=null | @: {SEEDS}.
compare | tune.seeds=20240101 | @: that many seeds are more than 1000; for the one seed 20240101 give tune.seeds=[20240101].
compare | tune.rates=[0.1] tune.seeds=[0,7] | @: 0 would choose the learning rate and measure it
compare | ~tune.widenings | tune.widenings: a value is missing; give one as tune.widenings=VALUE.
compare | learning_rate=[0.1,0.01] | @: without tuning a comparison has one rate; to choose among them give tune.rates=[0.1,0.01].
compare | dataset.valid_size=0 tune.rates=[0.1,0.01] | @: dataset.valid_size=0 leaves no validation images to choose by
compare | dataset.valid_size=0 target=0.5 | @: dataset.valid_size=0 leaves no validation images to reach it on
compare | target=2 | @: give a number from 0 to 1, or null.
compare | reference=tanh | @: it is not among the activations; choose one of relu, elu.
compare | reference=5 | @: give the label of a variant, such as the name of an activation, or null.
compare | out=5 | @: this is no text to Hydra; for a folder of that name give out=./5.
compare | device=cuda:99 | @: there is no such device here; choose auto, cpu, cuda or cuda:N.
compare | out=null | @: give a folder, as out=PATH.
compare | out=/dev/null/out | @: /dev/null is a file; choose another folder.
compare | out=${{nothing}} | out: it cannot be resolved (Interpolation key 'nothing' not found).

compare | missing=no | @: no such way to go on; choose one of train, refuse.
figures | figure=none | @: no such figure; choose one of functions, gradient_lines
figures | only.dataset=5 | @: give a name, or null.
figures | only=null | @: this is a group of keys; give them as only.KEY=VALUE.
figures | dataset=digits | @: no such key; the nearest are only.dataset.
figures | tuning_seeds=null | @: {SEEDS}.
figures | tuning_seeds=5 | runs_dir=runs: it holds no finished runs; train some with
figures | out=2 | @: this is no text to Hydra; for a folder of that name give out=./2.
claims  | claim=none | @: no such claim; choose one of sigmoid-slope
claims  | scale=huge | @: no such scale; choose one of paper, desk, smoke.
claims  | out=null | @: give a folder, as out=PATH.
data    | datasets=null | @: no such data set to fetch; choose one of {SETS}; a folder of images is given to train.py
data    | datasets=mnst | @: no such data set to fetch; choose one of {SETS}
data    | datasets=[image_folder] | datasets=image_folder: no such data set to fetch; choose one of {SETS}
data    | datasets=[] | @: give one of {SETS}, or a list such as [mnist,cifar10].
data    | mirror=5 | @: give a base URL that begins with https://, http:// or file://.
data    | data_dir=null | @: give a folder, as data_dir=PATH.
status  | runs_dir=null | @: give a folder, as runs_dir=PATH.
status  | runs_dir=2024 | @: this is no text to Hydra; for a folder of that name give runs_dir=./2024.
status  | runs_dir=nowhere | @: this is no folder; give one that is there.
"""
TABLE = [tuple(part.strip() for part in line.split(" | ")) for line in CASES.splitlines() if line]
TABLE += [(command, *case) for command in BASE for case in (
    ("device=null", "@: give auto, cpu, cuda or cuda:N."),
    ("threads=no", "@: give a whole number of at least 1, or null."),
    ("data_dir=7", "@: this is no text to Hydra; for a folder of that name give data_dir=./7."),
    ("+no.such.key=1", "no={such:{key:1}}: no such key; "),
)]  # fmt: skip


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """A command as the shell starts it, but in this process, and in an empty folder: status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def ended(command, *arguments):
        spec = importlib.util.spec_from_file_location(f"experiment_{command}", ROOT / "experiments" / f"{command}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(sys, "argv", [f"{command}.py", *arguments])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
        monkeypatch.delenv("HYDRA_FULL_ERROR")
        GlobalHydra.instance().clear()
        try:
            module.main()
            status = 0
        except SystemExit as exit:  # a text goes to stderr, and the status is 1
            status = exit.code if isinstance(exit.code, int) else 1
            print(exit.code, file=sys.stderr)
        finally:
            GlobalHydra.instance().clear()
        return status, *capsys.readouterr()

    return ended


def arguments_of(text):
    """A line as a shell takes it apart, but for the quotes that are Hydra's."""
    lexer = shlex.shlex(text, posix=False, punctuation_chars="")
    lexer.whitespace_split = True
    lexer.quotes = ""
    words = []
    for word in lexer:  # a list with blanks in it is one argument
        if words and words[-1].count("[") > words[-1].count("]"):
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


@pytest.mark.parametrize(("command", "given", "begins"), TABLE, ids=lambda text: text[:60])
def test_a_mistake_is_one_sentence_before_anything_is_made(run, tmp_path, command, given, begins):
    given = arguments_of(given)
    status, out, err = run(command, *BASE[command].split(), *given)
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {begins.replace('@', given[-1])}"), err
    assert err.count("\n") == 1
    assert err.endswith(".\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "given", "says"),
    [
        ("train", "seeds=20240101", "seeds=[20240101]"),
        ("compare", "depths=[2,2]", "2 is there twice"),
        ("data", "datasets=mnst", "datasets=mnst: no such data set to fetch"),
        ("status", "runs_dir=nowhere", "runs_dir=nowhere: this is no folder"),
    ],
)
def test_a_mistake_in_a_process_of_its_own(tmp_path, command, given, says):
    arguments = [sys.executable, str(ROOT / "experiments" / f"{command}.py"), *BASE[command].split(), given]
    ended = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: ")
    assert says in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_a_sweep_ends_it_before_it_begins(run, tmp_path):
    status, out, err = run("train", *BASE["train"].split(), "dataset.augment.flip=false,no", "-m")
    assert (status, out, err) == (1, "", "error: dataset.augment.flip=no: give true or false.\n")
    status, out, err = run("train", *BASE["train"].split(), "+depths=[2]", "activation=relu,elu", "-m")
    assert (status, out, err) == (1, "", "error: depths=[2]: train.py has no use for it; only compare.py has it.\n")
    assert list(tmp_path.iterdir()) == []


# What is right passes ------------------------------------------------------------------------------------------------


def composed(command, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(command, list(overrides))


@pytest.mark.parametrize("command", BASE)
def test_every_key_of_a_command_is_in_the_schema_and_its_default_passes(command, tmp_path, monkeypatch):
    (tmp_path / "results" / "runs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    config = composed(command)
    assert set(config) == set(schema.SCHEMAS[command].keys) - set(schema.SCHEMAS[command].optional)
    assert set(schema.checked(command, config)) == set(config)


@pytest.mark.parametrize("place", ["~/place", '"~/place"', "'~/place'"])
def test_the_home_directory_is_meant_in_every_path(run, tmp_path, monkeypatch, place):
    (tmp_path / "home" / "place").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    status, out, err = run("status", f"runs_dir={place}")
    assert (status, err) == (0, "")
    assert out.startswith("0 done")
    for command, key in [("train", "runs_dir"), ("compare", "out"), ("figures", "out"), ("data", "data_dir")]:
        quoted = f'"{place}"' if place.startswith("~") else place  # which the command's own start does
        assert schema.checked(command, composed(command, f"{key}={quoted}"))[key] == str(tmp_path / "home" / "place")


def test_one_value_is_a_list_of_it_and_presets_may_write_commas():
    assert schema.checked("data", composed("data", "datasets=mnist"))["datasets"] == ["mnist"]
    assert schema.checked("figures", composed("figures", "tuning_seeds=3"))["tuning_seeds"] == [0, 1, 2]
    asked = read_settings(
        composed("compare", "activations=relu", "depths=4", "seeds=[7]", "learning_rate=1"), "compare"
    )
    assert [asked[key] for key in ("activations", "depths", "seeds", "learning_rate")] == [["relu"], [4], [7], [1.0]]
    asked = read_settings(composed("compare", "+experiment=demo"), "compare")
    assert asked["depths"] == [2, 8, 24]
    assert asked["activations"][0] == "sigmoid"


def test_zero_is_a_target():
    assert read_settings(composed("compare", "target=0"), "compare")["target"] == 0


@pytest.mark.parametrize(
    "without", [["dataset.valid_size=0"], ["probes.every=0"], ["dataset.valid_size=0", "probes.every=0"]]
)
def test_what_is_not_measured_is_left_out_to_the_end(run, tmp_path, without):
    small = [*BASE["compare"].split(), "model.width=8", "dataset.train_limit=64", "device=cpu", *without]
    status, out, err = run("compare", *small)
    assert status == 0, err
    written = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert {"final_accuracy.png", "learning_curves.png", "ranks.png"} <= written
    assert ("gradient_map.png" in written) == ("probes.every=0" not in without)
    assert "dead_units.png" not in written
    text = (tmp_path / "out" / "summary.md").read_text()
    assert ("epochs to target" in text) == ("epochs until half of" in text) == ("dataset.valid_size=0" not in without)
    assert "never active" not in text
    assert ("saturated %" in text) == ("probes.every=0" not in without)
    assert "nan" not in text
    if len(without) == 2:
        status, out, err = run("figures", "runs_dir=runs", "out=figures")
        assert (status, err) == (0, "")
        assert {Path(line).name for line in out.split()} == written | {"functions.png"}
        assert [path.parent.name for path in (tmp_path / "figures").rglob("functions.png")] == ["figures"]
    status, out, err = run("figures", "runs_dir=runs", "out=again", "figure=dead_units")
    assert (status, out) == (1, "")
    assert err == "error: figure=dead_units: what it shows was not measured in these runs; see probes.every.\n"
    status, out, err = run("claims", "runs_dir=runs", "out=claims", "claim=relu-keeps-gradient")
    assert status == 0, err


def test_without_validation_images_no_rate_can_be_chosen(run):
    rates = [
        *BASE["train"].split(),
        "model.width=8",
        "dataset.train_limit=64",
        "learning_rate=[0.1,0.01]",
        "device=cpu",
    ]
    assert run("train", *rates, "dataset.valid_size=0")[0] == 0
    status, out, err = run("figures", "runs_dir=runs", "out=out")
    assert (status, out) == (1, "")
    assert err.startswith(
        "error: learning_rate=[0.01,0.1]: without validation images (dataset.valid_size=0) none of them"
    )
    assert run("train", *BASE["train"].split(), "model.width=8", "dataset.train_limit=64", "device=cpu")[0] == 0
    status, out, err = run("figures", "runs_dir=runs", "out=out", "figure=final_accuracy")
    assert status == 0  # what can be drawn is drawn, and what is left out is named
    assert len(out.splitlines()) == 1
    assert re.match(r"warning: \S+ is left out: learning_rate=\[0.01,0.1\]: without validation", err)


# Any value of any key ------------------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["no", "off", "~", "~/x", "relu", "cpu", "1e-3", "\0", "\ud800", 10**400, -(10**400)]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=4,
)  # fmt: skip


def leaves(group, prefix=""):
    """Every key with its kind."""
    for name, kind in group.keys.items():
        yield from leaves(kind, f"{prefix}{name}.") if isinstance(kind, Group) else [(f"{prefix}{name}", kind)]


def signatures():
    yield "init", options_of(Initialization)
    for name in activations.names():
        yield "activation", activations.base.options_of(type(activations.build(name)))
    for make in models.MODELS.values():
        yield "model", options_of(make, skip=3)
    for optimizer in (optimizers.Optimizer, *optimizers.OPTIMIZERS.values()):
        yield "optimizer", options_of(optimizer)
    yield "dataset", Group(datasets.options.SHARED)
    yield "dataset", datasets.options.own_options("image_folder")


KEYS = {(key, str(kind)): (key, kind) for group in schema.SCHEMAS.values() for key, kind in leaves(group)}
KEYS |= {(key, str(kind)): (key, kind) for group, options in signatures() for key, kind in leaves(options, f"{group}.")}


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(sorted(KEYS.values(), key=str)), PLAIN)
def test_any_value_is_taken_or_refused_in_one_sentence_that_names_the_key(pair, value):
    key, kind = pair
    said = f"{key}=: ."
    try:
        kind.read(key, value)
    except StudyError as error:
        said = str(error)
    assert re.fullmatch(rf"{re.escape(key)}[=:.].*\.", said)
    assert said.isprintable()


NUMBERS = sorted(
    {str(k): (key, k) for key, k in KEYS.values() if isinstance(k, Number | Whole | Seeds | Size)}.values(), key=str
)


@given(
    st.sampled_from(NUMBERS),
    st.booleans() | st.text() | st.none() | st.sampled_from([float("nan"), float("inf"), 1e39]),
)
def test_what_is_no_number_is_never_taken_for_one(pair, value):
    with pytest.raises(StudyError):
        pair[1].read(pair[0], value)


@given(st.sampled_from(NUMBERS), st.integers() | st.floats())
def test_a_number_that_is_taken_is_finite_in_float32(pair, value):
    key, kind = pair
    try:
        kind.read(key, value)
    except StudyError:
        return
    assert np.isfinite(np.float32(value))
    if isinstance(kind, Number) and kind.above is not None:
        assert np.float32(value) > kind.above


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12), PLAIN)
def test_a_key_that_is_not_known_is_refused(name, value):
    for group in (schema.SCHEMAS["train"].keys["train"], schema.SCHEMAS["compare"].keys["tune"]):
        if name not in group.keys:
            with pytest.raises(StudyError, match=rf"^group\.{name}=[\s\S]*: no such key; "):
                group.read("group", dict.fromkeys(group.keys, 1) | {name: value})


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("lr", "learning_rate"),
        ("bs", "train.batch_size"),
        ("epochs", "train.epochs"),
        ("trian.epochs", "train.epochs"),
        ("widht", "model.width"),
        ("checkpoint_second", "checkpoint_seconds"),
    ],
)
def test_the_nearest_key_comes_first(key, near):
    known = OmegaConf.to_container(composed("train"), resolve=False)
    names = [f"{group}.{name}" for group, values in known.items() if isinstance(values, dict) for name in values]
    assert nearest(key, [*known, *names]).startswith(f"the nearest are {near}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ([True, None, "a", [1.5]], "[true,null,a,[1.5]]"),
        ({"a": {"b": False}}, "{a:{b:false}}"),
        ("two\nlines", "two\\nlines"),
        ("x" * 500, "x" * 120 + "..."),
    ],
    ids=["null", "list", "group", "lines", "long"],
)
def test_a_value_is_shown_as_the_command_line_has_it(value, text):
    assert shown(value) == text


def test_the_options_of_a_signature():
    def network(stack, a: int, b: "float" = 1, c=2, d="x", e=True, f: str | None = None, g=None): ...

    group = options_of(network, skip=1, whose="mine")
    good = {"a": -3, "b": 0.5, "c": 0.5, "d": "y", "e": False, "f": None, "g": [1]}
    assert group.read("model", good) == good
    for key, value in {"a": 1.5, "b": "1", "c": True, "d": 3, "e": "no", "f": 3}.items():
        with pytest.raises(StudyError, match=f"^model.{key}="):
            group.read("model", good | {key: value})
    with pytest.raises(StudyError, match=r"^model\.a: mine needs a value; give one as \+model\.a=VALUE\.$"):
        group.read("model", {})
