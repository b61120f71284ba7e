"""From variants on the command line to settings, and what is refused before anything is trained."""

import re

import pandas as pd
import pytest
from helpers import in_process
from hydra.core.override_parser.overrides_parser import OverridesParser

from activation_study.commands.cli import _quoted
from activation_study.runs import read

TINY = ["dataset=digits", "model.depth=2", "model.width=8", "train.epochs=1", "train.batch_size=32", "seeds=2",
        "tune.rates=null", "dataset.train_limit=64", "device=cpu"]  # fmt: skip


@pytest.fixture
def compare(monkeypatch, tmp_path):
    """The command `compare` with a folder of its own."""
    folders = (f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path / 'out'}")
    return lambda *keys: in_process(monkeypatch, "compare", *TINY, *folders, *keys)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("variants=[init=he,init=xavier]", ["init=he", "init=xavier"]),
        ("variants=[init=he, init=xavier init.mode=fan_in]", ["init=he", "init=xavier init.mode=fan_in"]),
        ("variants=['init=he','init=xavier']", ["init=he", "init=xavier"]),
        ("variants=[init=he,'init=xavier','init=he train.epochs=2']", ["init=he", "init=xavier",
                                                                       "init=he train.epochs=2"]),
        ("++variants=[learning_rate=0.1,+model.batch_norm=true]", ["learning_rate=0.1", "+model.batch_norm=true"]),
        ("variants=[optimizer.milestones=[1,2] init=he,init=lecun]", ["optimizer.milestones=[1,2] init=he",
                                                                      "init=lecun"]),
        ("variants=[dataset.augment={padding:4,flip:true},init=he]", ["dataset.augment={padding:4,flip:true}",
                                                                      "init=he"]),
        ("variants=init=he", "init=he"),
        ("variants=[relu,elu]", ["relu", "elu"]),
        ("variants=null", None),
    ],
)  # fmt: skip
def test_variants_need_no_quotation_marks(argument, expected) -> None:
    assert OverridesParser.create().parse_override(_quoted(argument)).value() == expected
    assert _quoted("out=a=b") == "out=a=b"


REFUSED = {
    "[init=he,init=foo]": "init=foo: no such choice; choose one of edge_of_chaos, glorot_standard, he",
    "[init=he,init.mode=fan]": "init.mode=fan: ",
    "[init=he,init.mod=fan_in]": "init.mod=fan_in: no such key",
    "[relu,elu]": "variants=[relu,elu]: relu: it is no choice; give a variant as on the command line, such as "
    "'init=xavier init.mode=fan_in'.",
    "[init=he,seeds=3]": "variants=[init=he,seeds=3]: seeds=3: it makes no other network; a variant sets activation,",
    "[init=he,runs_dir=a]": "variants=[init=he,runs_dir=a]: runs_dir=a: it makes no other network;",
    "[init=he,probes.every=2]": "variants=[init=he,probes.every=2]: probes.every=2: it makes no other network;",
    "[init=he,dataset=mnist]": "variants=[init=he,dataset=mnist]: dataset=mnist: variants are compared on the same "
    "images; of a data set its preprocessing and augment may differ.",
    "[init=he,dataset.train_limit=9]": "variants=[init=he,dataset.train_limit=9]: dataset.train_limit=9: variants are",
    "[init=he,objective=reconstruction]": "variants=[init=he,objective=reconstruction]: objective=reconstruction: each "
    "objective has a score of its own, and variants are compared by one.",
    "[init=he,model.depth=3]": "variants=[init=he,model.depth=3]: model.depth=3: every variant is compared at each "
    "depth; give depths=[2,8].",
    "[init=he,'init=he init.mode=fan_in']": "variants=[init=he,init=he init.mode=fan_in]: init=he and init=he "
    "init.mode=fan_in are the same; give one of them.",
    "['optimizer.momentum=0.1','optimizer.momentum=0.10000000001']": "variants=[optimizer.momentum=0.1,optimizer."
    "momentum=0.10000000001]: optimizer.momentum=0.1 and optimizer.momentum=0.10000000001 are both called momentum=0.1",
    "[init=he,'learning_rate=[0.1,0.2]']": "variants=[init=he,learning_rate=[0.1,0.2]]: learning_rate=[0.1,0.2] has "
    "several learning rates; give each variant one.",
    "[init=he,'init=[he,xavier]']": "init=[he,xavier]: a run has one; give one",
}


@pytest.mark.parametrize("variants", REFUSED)
def test_variants_that_make_no_sense_are_refused_before_anything_is_trained(compare, tmp_path, variants) -> None:
    told = compare(f"variants={variants}")
    assert told.startswith(f"error: {REFUSED[variants]}")
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (["variants=[init=he,init=xavier]", "activations=[relu]"],
         "variants=[init=he,init=xavier]: activations is given as well; give one of the two."),
        (["variants=[init=he,init=xavier]", "reference=lecun"],
         "reference=lecun: it is not among the variants; choose one of he, xavier."),
        (["variants=[learning_rate=0.1,learning_rate=0.2]", "tune.rates=[0.1]"],
         "variants=[learning_rate=0.1,learning_rate=0.2]: learning_rate=0.1: the rate of every variant is tuned; to "
         "compare rates give tune.rates=null."),
        (["variants=[model=mlp,model=convnet]", "~model.depth", "~model.width"],
         "variants=[model=mlp,model=convnet]: model=mlp has depth 8 and model=convnet has depth 6"),
    ],
)  # fmt: skip
def test_variants_must_go_with_the_other_keys(monkeypatch, tmp_path, keys, sentence) -> None:
    removed = {key[1:] for key in keys if key.startswith("~")}
    given = [key for key in TINY if key.split("=")[0] not in removed] + [key for key in keys if key[0] != "~"]
    told = in_process(monkeypatch, "compare", *given, f"runs_dir={tmp_path / 'runs'}", f"out={tmp_path / 'out'}")
    assert told.startswith(f"error: {sentence}")
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_initializations_are_compared(compare, tmp_path, capsys) -> None:
    """One activation, which is given as for a run; every number, table and picture is of the two rules."""
    assert (
        compare("activation=elu", "variants=[init=xavier,init=he init.mode=fan_out]", "reference='he(mode=fan_out)'")
        is None
    )
    printed = capsys.readouterr().out
    assert "(2 variants, depth 2)" in printed
    assert re.search(r"^variant +depth ", printed, re.MULTILINE)
    assert "Compared with he(mode=fan_out), xavier " in printed
    assert (
        "elu, 1 epochs in batches of 32, sgd at learning rate 0.01, initialization differs: xavier, he(mode=fan_out)"
        in printed
    )
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert "activation" not in summary
    page = (tmp_path / "out" / "summary.md").read_text()
    assert '"init=he init.mode=fan_out"' in page
    made = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert {"learning_curves.png", "differences.png", "gradient_map.png", "final_accuracy.png"} <= made
    assert set(read(tmp_path / "runs").metrics["activation"]) == {"elu"}


def test_learning_rates_and_networks_are_compared_at_every_depth(compare, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("activation_study.commands.compare.draw", lambda *args, **options: [])
    keys = ["variants=[model=mlp learning_rate=0.1,model=mlp learning_rate=0.01,model=convnet model.width=2]"]
    assert compare(*keys, "depths=[1,2]") is None
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    labels = [
        "mlp(width=8), learning rate 0.1",
        "mlp(width=8), learning rate 0.01",
        "convnet(width=2), learning rate 0.01",
    ]
    assert list(zip(summary["variant"], summary["depth"], strict=True)) == [(n, d) for d in (1, 2) for n in labels]
    assert summary["n"].eq(2).all()
    against = pd.read_csv(tmp_path / "out" / "differences.csv")
    assert set(against["reference"]) == {labels[0]}


def test_every_variant_has_a_rate_of_its_own(compare, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("activation_study.commands.compare.draw", lambda *args, **options: [])
    assert compare("variants=[init=he,init=xavier]", "tune.rates=[0.01,0.1]", "tune.widenings=0") is None
    rates = pd.read_csv(tmp_path / "out" / "learning_rates.csv")
    assert list(zip(rates["variant"], rates["learning_rate"], strict=True)) == [
        (variant, rate) for variant in ("he", "xavier") for rate in (0.01, 0.1)
    ]
    summary = pd.read_csv(tmp_path / "out" / "summary.csv").set_index("variant")
    for variant, group in rates.groupby("variant"):
        assert summary.loc[variant, "learning_rate"] == group.loc[group["accuracy"].idxmax(), "learning_rate"]


def test_comparisons_of_variants_are_swept(monkeypatch, tmp_path) -> None:
    """With a preset as well, whose activations they take the place of."""
    monkeypatch.setattr("activation_study.commands.compare.draw", lambda *args, **options: [])
    keys = ["+experiment=demo", *TINY, "depths=[1]", f"runs_dir={tmp_path / 'runs'}"]
    out = f"out={tmp_path}/${{activation.name}}"
    swept = ["activation=relu,elu", "variants=[init=he,init=xavier]"]
    assert in_process(monkeypatch, "compare", "-m", *keys, out, *swept) is None
    for name in ("relu", "elu"):
        page = (tmp_path / name / "summary.md").read_text()
        assert f"\ndigits (64 training images), mlp (width 8), {name}, 1 epochs " in page
