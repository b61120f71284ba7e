"""What a training takes where others use the same cores."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd
import torch
from mnist import load_mnist, study_trainer
from setting import Setting
from timing import ratios, summary, turns

from activation_study.commands.estimate import pace
from activation_study.training.execute import keep_freed_memory

ABOUT = """
Five networks of 8 x 128 on MNIST, as `experiments/train.py dataset=mnist` trains them, in processes of their own:
milliseconds a step of all five, after those with which the number of threads is chosen; of two trainings the slower.
*Times one thread* and *times before* are taken within a situation.

- **before**: a thread for every core, and threads that wait for one another as long as OpenMP has them by default.
- **one thread**: `OMP_NUM_THREADS=1`.
- **the study**: nothing said; waiting is bounded, and the first steps choose between one thread and all.
"""
REPLICAS = 5
CORES = os.cpu_count() or 1
ALONE, BUSY, TWO = "alone", "beside one busy process", "two trainings at once"
BEFORE, ONE, STUDY = "before", "one thread", "the study"
CONTENDERS = {
    BEFORE: {"OMP_NUM_THREADS": str(CORES), "GOMP_SPINCOUNT": "300000"},  # what libgomp takes by itself
    ONE: {"OMP_NUM_THREADS": "1"},
    STUDY: {},
}
OURS = {"OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}


class Training:
    """A process that trains anew whenever it is asked, and tells how long a step took.

    Args:
        setting: where, and how long.
        variables: what its environment says of threads.
    """

    def __init__(self, setting: Setting, variables: dict[str, str]) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in OURS} | variables
        # The package comes first, as in every command: it speaks to OpenMP, which listens when torch is imported.
        code = "import activation_study, company; company.work()"
        arguments = [str(setting.data_dir.resolve()), *["quick"] * setting.quick]
        self.process = subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=Path(__file__).parent, text=True,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
        self.threads: Counter[int] = Counter()

    def tell(self) -> None:
        """Asks it to train."""
        assert self.process.stdin
        print(file=self.process.stdin, flush=True)

    def hear(self) -> float:
        """Waits for its milliseconds a step."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a training has ended with status {self.process.wait()}")
        threads, milliseconds = line.split()
        self.threads[int(threads)] += 1
        return float(milliseconds)

    def end(self) -> None:
        """Lets it end."""
        self.process.communicate()


def work() -> None:
    """What such a process does."""
    setting = Setting(torch.device("cpu"), Path(sys.argv[1]), "quick" in sys.argv)
    keep_freed_memory()
    data = load_mnist(setting)
    for _ in sys.stdin:
        trainer = study_trainer(data, REPLICAS)
        seconds = pace(trainer, setting.choose(2.5, 0.05))
        print(trainer.threads.number, seconds * 1e3, flush=True)


@contextmanager
def busy() -> Iterator[None]:
    """Keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def slowest(trainings: Sequence[Training], company: Callable[[], AbstractContextManager[None]] = nullcontext) -> float:
    """Lets them train at the same time, in company; milliseconds a step of the slowest."""
    with company():
        for training in trainings:
            training.tell()
        return max([training.hear() for training in trainings])


def measure(setting: Setting) -> pd.DataFrame:
    """Milliseconds a step of every contender in every situation, and how many threads it has taken."""
    tables = []
    with ExitStack() as ending:
        pairs = {name: [Training(setting, variables) for _ in range(2)] for name, variables in CONTENDERS.items()}
        for training in chain(*pairs.values()):
            ending.callback(training.end)
        situations: dict[str, Callable[[list[Training]], Callable[[], float]]] = {
            ALONE: lambda pair: partial(slowest, pair[:1]),
            BUSY: lambda pair: partial(slowest, pair[:1], busy),
            TWO: lambda pair: partial(slowest, pair),
        }
        for situation, way in situations.items():
            times = turns({name: way(pair) for name, pair in pairs.items()}, setting.choose(7, 1))
            table = summary(times)
            table.insert(0, "situation", situation)
            table["times_one_thread"], table["times_before"] = ratios(times, ONE), ratios(times, BEFORE)
            table["threads"] = [taken(pair) for pair in pairs.values()]
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def taken(trainings: Sequence[Training]) -> str:
    """How many threads they have trained with since they were last asked, such as `1 (12 times), 2 (4 times)`."""
    counted = sum((training.threads for training in trainings), Counter[int]())
    for training in trainings:
        training.threads.clear()
    return ", ".join(f"{number} ({times} times)" for number, times in sorted(counted.items()))
