"""Any number of runs as two tables."""

import gc
import subprocess
import sys

import pytest
from helpers import replicas_in

from activation_study.runs import read
from activation_study.runs.overview import overview
from activation_study.runs.tables import without_collection
from activation_study.training import execute as executing
from activation_study.training.execute import execute
from activation_study.training.trainer import Replica


def test_reading_runs_does_without_torch(tiny_settings) -> None:
    execute(tiny_settings())
    code = "from activation_study.runs import read; read(sys.argv[1]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"import sys; {code}", tiny_settings()["runs_dir"]], check=True)


def test_no_table_holds_a_replica_twice(tiny_settings) -> None:
    """Runs that overlap, as two machines may have made them, side by side in one folder."""
    settings = tiny_settings()
    executing.train(settings, [Replica(0, 0.01), Replica(1, 0.01)])
    executing.train(settings, [Replica(1, 0.01), Replica(2, 0.01)])
    tables = read(settings["runs_dir"])
    assert len(tables.runs) == 2
    assert replicas_in(settings["runs_dir"]) == [(0, 0.01), (1, 0.01), (2, 0.01)]
    assert not tables.layers.duplicated(["seed", "learning_rate", "step", "layer"]).any()
    assert overview(settings["runs_dir"]).startswith("2 done")


def test_a_table_has_the_columns_of_the_contract(tiny_settings) -> None:
    settings = tiny_settings("activation=prelu")
    execute(settings)
    tables = read(settings["runs_dir"])
    assert list(tables.metrics.columns) == [
        "run", "activation", "variant", "dataset", "model", "depth", "scale", "seed", "learning_rate", "epoch", "step",
        "split", "loss", "accuracy", "seconds",
    ]  # fmt: skip
    assert set(tables.layers.columns) == {
        "run", "activation", "variant", "dataset", "model", "depth", "scale", "seed", "learning_rate", "epoch", "step",
        "layer", "hidden", "grad_norm", "error_rms", "mean", "std", "slope_mean", "saturated", "inactive", "dead",
        "sparsity", "learned_slope",
    }  # fmt: skip
    environment = tables.runs[0].environment
    assert {"device", "torch", "python", "data"} <= environment.keys()


def test_the_garbage_collector_pauses_and_goes_on_as_before() -> None:
    with without_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(ValueError, match="damaged"), without_collection():
        raise ValueError("damaged")
    assert gc.isenabled()
