"""What variants are called, and what captions, tables and sentences say of them."""

import subprocess
import sys

import pandas as pd
import pytest

from activation_study.comparison import selection, text
from activation_study.comparison.differences import differences
from activation_study.comparison.sentences import conclusions
from activation_study.comparison.variants import by_what_differs, differing, kind, labelled, labels, quoted, shared
from activation_study.runs import Tables, read_runs
from activation_study.runs.identity import scientific
from activation_study.training.execute import execute


def settings(compose_settings, variants: list[str]) -> list[dict]:
    return [compose_settings("model.depth=2", "model.width=8", *variant.split()) for variant in variants]


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        (["init=he", "init=xavier"], ["he", "xavier"]),
        (["init=he", "init=xavier init.mode=fan_in"], ["he", "xavier"]),  # a mode that both have
        (["init=he", "init=he init.mode=fan_out", "init=xavier"], ["he", "he(mode=fan_out)", "xavier"]),
        (["init=he", "init=he init.mode=fan_out"], ["mode=fan_in", "mode=fan_out"]),
        (["init=normal init.std=0.1", "init=normal"], ["std=0.1", "std=0.05"]),
        (["optimizer.momentum=0", "optimizer.momentum=0.9"], ["momentum=0", "momentum=0.9"]),
        (["optimizer=sgd optimizer.weight_decay=1e-4", "optimizer=adam optimizer.weight_decay=1e-4"], ["sgd", "adam"]),
        (["optimizer=sgd", "optimizer=adam optimizer.beta1=0.5"], ["sgd", "adam(beta1=0.5)"]),
        (["learning_rate=0.1", "learning_rate=0.01"], ["learning rate 0.1", "learning rate 0.01"]),
        (["train.epochs=1", "train.epochs=2"], ["epochs=1", "epochs=2"]),
        (["model=mlp", "model=convnet"], ["mlp", "convnet"]),
        (["model.width=8", "model.width=9"], ["width=8", "width=9"]),
        (["model.batch_norm=false", "model.batch_norm=true"], ["batch_norm=False", "batch_norm=True"]),
        (["model=mlp", "model=convnet model.batch_norm=true"], ["mlp", "convnet(batch_norm=True)"]),
        (["objective.l1=0", "objective.l1=0.1"], ["l1=0", "l1=0.1"]),
        (["model.depth=2 init=he", "model.depth=3 init=xavier"], ["he", "xavier"]),
        (["dataset.augment.flip=true", "dataset.preprocessing=raw"],
         ["preprocessing=standardize, augment.flip=True", "preprocessing=raw, augment.flip=False"]),
        (["activation=relu", "activation=elu activation.alpha=0.5"], ["relu", "elu(alpha=0.5)"]),
        (["activation=elu", "activation=elu activation.alpha=0.5"], ["elu", "elu(alpha=0.5)"]),
        (["activation=relu", "activation=elu init=xavier"], ["relu, he", "elu, xavier"]),
        (["init=he learning_rate=0.1", "init=xavier learning_rate=0.01"],
         ["he, learning rate 0.1", "xavier, learning rate 0.01"]),
        (["activation=elu"], ["elu"]),
        (["init=he", "init=he seeds=3 runs_dir=elsewhere"], ["relu", "relu"]),  # nothing that makes another network
    ],
)  # fmt: skip
def test_a_label_says_what_differs_and_nothing_more(compose_settings, variants, expected) -> None:
    assert labels(settings(compose_settings, variants)) == expected


def test_an_option_that_one_lacks_is_called_default(compose_settings) -> None:
    (one,) = settings(compose_settings, ["init=he"])
    other = one | {"model": one["model"] | {"norm": True}}
    assert labels([one, other]) == ["norm=default", "norm=True"]
    third = one | {"model": {"name": "own", "depth": 2, "network": "Mine", "source": "0a1b", "width": 8}}
    assert labels([one, other, third]) == ["mlp", "mlp(norm=True)", "Mine"]


def test_runs_and_settings_have_the_same_labels(compose_settings) -> None:
    """A run keeps nothing of an added choice that is the usual one."""
    chosen = settings(compose_settings, ["init=he", "init=xavier model.batch_norm=true objective.l1=0.1"])
    assert labels(chosen) == ["batch_norm=False, he, l1=0", "batch_norm=True, xavier, l1=0.1"]
    assert labels([scientific(one) for one in chosen]) == labels(chosen)


def test_what_is_shared_and_what_differs(compose_settings) -> None:
    configs = settings(compose_settings, ["init=he model.depth=3", "init=xavier"])
    assert differing(configs) == {"init": ["he", "xavier"]}
    same = shared(configs)
    assert same["init"] == {"std": None}
    assert same["model"] == {"name": "mlp", "width": 8}
    assert same["dataset"]["augment.padding"] == 0


def test_a_label_with_a_comma_is_quoted_among_others() -> None:
    assert [quoted("he"), quoted("relu, he")] == ["he", '"relu, he"']


@pytest.fixture(scope="module")
def trained(compose_settings, tmp_path_factory):
    """Runs of a moment's training."""
    folder = tmp_path_factory.mktemp("variants")

    def run(*overrides: str) -> Tables:
        small = ("model.depth=2", "model.width=8", "train.epochs=1", "train.batch_size=32", "seeds=2", "device=cpu",
                 "dataset.train_limit=96", "dataset.valid_size=64", f"runs_dir={folder}")  # fmt: skip
        return read_runs(execute(compose_settings(*small, *overrides)))

    return run


def test_tables_are_labelled_by_what_differs_among_their_runs(trained) -> None:
    he, xavier = trained(), trained("init=xavier")
    tables = by_what_differs(he, xavier)
    for table in tables.metrics, tables.layers:
        assert table.groupby("run").variant.unique().map(list).to_dict() == {
            he.runs[0].name: ["he"], xavier.runs[0].name: ["xavier"]}  # fmt: skip
        assert set(table.activation) == {"relu"}
    assert tables.runs == [*he.runs, *xavier.runs]
    assert kind(tables.metrics) == "variant"
    alone = by_what_differs(he)
    pd.testing.assert_frame_equal(alone.metrics, he.metrics)
    assert kind(alone.metrics) == "activation"


def test_learning_rates_differ_only_where_one_configuration_has_several(trained, tmp_path) -> None:
    elsewhere = f"runs_dir={tmp_path}"  # a second rate joins the run of the first, which other tests read
    both, xavier = trained("learning_rate=[0.1,0.01]", elsewhere), trained("init=xavier", elsewhere)
    assert list(by_what_differs(both).metrics.variant.unique()) == ["learning rate 0.1", "learning rate 0.01"]
    tuned = by_what_differs(selection.only(both, [0, 1], [0.1]), xavier)
    assert set(tuned.metrics.variant) == {"he", "xavier"}
    several = by_what_differs(both, xavier)
    assert "xavier, learning rate 0.01" in set(several.metrics.variant)


def test_a_caption_says_what_all_share_and_what_differs(trained) -> None:
    he, xavier = trained(), trained("init=xavier")
    told = text.caption(by_what_differs(he, xavier))
    assert told.startswith(
        "digits (96 training images), mlp (width 8), relu, 1 epochs in batches of 32, sgd at learning rate 0.01, "
        "initialization differs: he, xavier; 2 seeds; scale desk; "
    )
    assert text.caption(he).startswith(
        "digits (96 training images), mlp (width 8), 1 epochs in batches of 32, sgd at learning rate 0.01, "
        "he initialization; 2 seeds; scale desk; "
    )
    wide = by_what_differs(he, trained("model.width=9", "activation=elu", "train.epochs=2", "optimizer=adam"))
    assert text.caption(wide).startswith(
        "digits (96 training images), mlp, batches of 32, learning rate 0.01, he initialization, "
        "activation differs: relu, elu, network differs: width=8, width=9, optimizer differs: sgd, adam, "
        "training differs: epochs=1, epochs=2; 2 seeds; "
    )


def test_tables_and_sentences_speak_of_variants(trained) -> None:
    tables = by_what_differs(trained(), trained("activation=elu", "init=xavier", "train.epochs=2"))
    against = differences(tables.metrics, "relu, he, epochs=1")
    assert list(text.of_differences(against, kind(tables.metrics)).columns[:3]) == ["variant", "depth", "against"]
    _, others, _, length, rates = conclusions(against, tables, None)
    assert others.startswith('Compared with "relu, he, epochs=1", "elu, xavier, epochs=2" ')
    assert "(1 or 2 epochs on 96 images, scale desk)" in length
    assert rates.endswith("none was tuned, and each variant has its own best.")


def test_tables_of_one_variant(trained) -> None:
    tables = labelled(trained(), "mine")
    assert set(tables.metrics.variant) == set(tables.layers.variant) == {"mine"}


def test_labels_do_without_torch() -> None:
    code = "import sys, activation_study.comparison.variants; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
