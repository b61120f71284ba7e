"""Names of the sets of runs that can be compared."""

from activation_study.runs.groups import READABLE, comparable
from activation_study.training.planning import asked_for, register


def names(tiny_settings, *choices: tuple[str, ...]) -> list[str]:
    every = [tiny_settings(*choice) for choice in choices]
    return list(comparable(register(settings, asked_for(settings)) for settings in every))


def test_a_name_says_what_differs(tiny_settings) -> None:
    assert names(tiny_settings, ("activation=elu",), ("activation=relu", "model.depth=3")) == ["digits-mlp"]
    assert names(tiny_settings, (), ("model.width=9",)) == ["digits-mlp-width=8", "digits-mlp-width=9"]
    assert names(tiny_settings, (), ("probes.also=[units,distribution]",))[1] == "digits-mlp-also=units_distribution"


def test_a_name_stays_short_where_much_differs(tiny_settings) -> None:
    much = ("model.width=9", "train.epochs=3", "train.batch_size=31", "probes.every=7", "init=xavier", "optimizer=adam")
    found = names(tiny_settings, (), much, (*much, "dataset.valid_size=65"))
    assert len(set(found)) == 3
    assert all(len(name.encode()) <= READABLE for name in found)
    assert all(name.startswith("digits-mlp-width=") for name in found)
