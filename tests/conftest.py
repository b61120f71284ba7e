import copy
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import without
from hydra import compose, initialize_config_dir

from activation_study.config import settings
from activation_study.datasets import Dataset, Split

ROOT = Path(__file__).resolve().parents[1]

torch.set_num_threads(1)  # tiny tensors: threads only wait for one another
os.environ["OMP_NUM_THREADS"] = "1"  # the same for the commands that the tests start


@pytest.fixture(scope="session")
def compose_settings() -> Callable[..., dict[str, Any]]:
    """Settings as a command gets them: compose_settings("activation=elu", "model.depth=3")."""

    def make(*overrides: str, config_name: str = "train") -> dict[str, Any]:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return settings(compose(config_name, list(overrides)))

    return make


@pytest.fixture
def tiny_settings(compose_settings, tmp_path) -> Callable[..., dict[str, Any]]:
    """Settings of a run that takes milliseconds, with its runs in a temporary folder."""

    def make(*overrides: str) -> dict[str, Any]:
        small = ("model.depth=2", "model.width=8", "train.epochs=2", "train.batch_size=32", "seeds=2",
                 "dataset.train_limit=96", "dataset.valid_size=64", "probes.every=2", f"runs_dir={tmp_path / 'runs'}",
                 "device=cpu")  # fmt: skip
        return copy.deepcopy(compose_settings(*small, *overrides))

    return make


@pytest.fixture(scope="session")
def blobs() -> Dataset:
    """Three easily separated classes of 2-channel 6x6 images."""
    stream = torch.Generator().manual_seed(0)
    centres = torch.randn(3, 2, 6, 6, generator=stream)

    def split(n: int) -> Split:
        labels = torch.arange(n) % 3
        return Split(centres[labels] + torch.randn(n, 2, 6, 6, generator=stream), labels)

    return Dataset("blobs", split(120), split(60), split(60), classes=3, checksum="none")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Debian's chromium, driven by playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        without("chromium", "Debian's package chromium")
    with api.sync_playwright() as playwright:
        options = ["--headless", "--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        yield browser
        browser.close()
