"""What it costs to look inside a network while it trains: the study's probes, and the tools that people use."""

import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from mnist import PROBE_EVERY, load_mnist, plain_loop, steps_of, study_trainer
from setting import Setting
from timing import Contender, NotMeasured, compare, ratios
from torch import Tensor, nn

from activation_study.datasets import Dataset
from activation_study.training.trainer import Trainer

ABOUT = """
The network, the data and the loops of *throughput*; milliseconds a step (of all networks together), with the same loop
unwatched beside it (*bare*), since a ratio says little without its base: an instrument that is cheap beside a slow
loop doubles a fast one.

- **the study**: its probes, nine quantities of every layer: gradient norm, back-propagated error, mean and standard
  deviation of the activations, mean slope, shares saturated, inactive and exactly zero, learned slope. They stay on the
  device.
- **delve**: `SaturationTracker` of the package of that name, layer saturation (its own sense of the word) into CSV;
  *every step* adds every batch to the covariances, *every 100 steps* one in a hundred; both find the eigenvalues and
  write every 100 steps (its documentation: every epoch).
- **hooks to the host**: forward and full backward hooks on a plain network that fetch numbers with `.item()`: of every
  layer the activations' mean, standard deviation and share of zeros, the back-propagated error's norm and the weight
  gradient's norm.
- **TensorBoard histograms**: `add_histogram` of every parameter's gradient and of every layer's activations, much
  as `wandb.watch` does.
"""


class Watcher:
    """Counts the steps, and hands what a layer gives forward and backward to a tool at every so many of them."""

    def __init__(self, network: nn.Sequential, every: int) -> None:
        self.network, self.every, self.step = network, every, 0

    @property
    def is_due(self) -> bool:
        """Whether this step is to be measured."""
        return self.step % self.every == 0

    def __call__(self) -> None:
        """Ends a step, after its backward pass."""
        if self.is_due:
            self.read()
        self.step += 1

    def read(self) -> None:
        """Reads the gradients."""

    def close(self) -> None:
        """Lets go of the tool's files."""


class HostHooks(Watcher):
    """Numbers fetched to the host one by one, as tutorials do it."""

    def __init__(self, network: nn.Sequential, every: int, folder: Path) -> None:
        super().__init__(network, every)
        self.rows: list[tuple[float, ...]] = []
        self.weights = [layer.weight for layer in network if isinstance(layer, nn.Linear)]
        for layer in network:
            if isinstance(layer, nn.ReLU):
                layer.register_forward_hook(self._activations)
                layer.register_full_backward_hook(self._error)

    def _activations(self, layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if self.is_due:
            output = output.detach()
            self.rows.append((output.mean().item(), output.std().item(), (output == 0).float().mean().item()))

    def _error(self, layer: nn.Module, errors: tuple[Tensor], outputs: tuple[Tensor]) -> None:
        if self.is_due:
            self.rows.append((errors[0].norm().item(),))

    def read(self) -> None:
        """Norms of the weights' gradients."""
        self.rows.append(tuple(weight.grad.norm().item() for weight in self.weights if weight.grad is not None))


class Histograms(Watcher):
    """What wandb.watch(log="gradients") and activation hooks log, through TensorBoard."""

    def __init__(self, network: nn.Sequential, every: int, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise NotMeasured("tensorboard is not installed (pip install tensorboard)") from None
        super().__init__(network, every)
        self.writer = SummaryWriter(str(folder))
        for name, layer in network.named_children():
            if isinstance(layer, (nn.ReLU, nn.Linear)):
                layer.register_forward_hook(self._activations(name))

    def _activations(self, name: str):  # noqa: ANN202
        def hook(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            if self.is_due:
                self.writer.add_histogram(f"activations/{name}", output, self.step)

        return hook

    def read(self) -> None:
        """Histograms of the gradients."""
        for name, parameter in self.network.named_parameters():
            self.writer.add_histogram(f"gradients/{name}", parameter.grad, self.step)

    def close(self) -> None:
        """Ends the writer's thread."""
        self.writer.close()


class Delve(Watcher):
    """Layer saturation in the sense of principal components, by delve."""

    def __init__(self, network: nn.Sequential, every: int, folder: Path) -> None:
        try:
            from delve import SaturationTracker
        except Exception as error:  # it is old: what it needs may be gone
            raise NotMeasured(f"delve does not import ({type(error).__name__}: {error})") from None
        logging.getLogger("delve.logger").setLevel(logging.ERROR)
        super().__init__(network, PROBE_EVERY)  # the covariances are added to in its hooks, and read here
        device = str(next(network.parameters()).device)
        self.tracker = SaturationTracker(str(folder), "csv", network, log_interval=every, stats=["lsat"], device=device)

    @property
    def is_due(self) -> bool:
        """At the end of every hundred steps, as after an epoch."""
        return (self.step + 1) % self.every == 0

    def read(self) -> None:
        """Eigenvalues, and a line of the table."""
        self.tracker.add_saturations()


TOOLS: dict[str, Callable[[nn.Sequential, int, Path], Watcher]] = {
    "delve": Delve,
    "hooks to the host": HostHooks,
    "TensorBoard histograms": Histograms,
}
INTERVALS = {"off": 0, f"every {PROBE_EVERY} steps": PROBE_EVERY, "every step": 1}


class Case(NamedTuple):
    """A loop and how often something looks inside."""

    tool: str
    replicas: int
    watched: str

    @property
    def bare(self) -> "Case":
        """The same loop unwatched."""
        return Case("the study" if self.tool == "the study" else "plain loop", self.replicas, "off")


def watched_study(trainer: Trainer, every: int, steps: int) -> Contender:
    """The study's loop, watched at an interval; all intervals share one trainer, and so its place in memory."""
    loop = steps_of(trainer, steps)

    def run() -> None:
        trainer.probe_every = every
        loop()

    return Contender(run, steps)


def watched_plain(case: Case, data: Dataset, steps: int, folder: Path, closing: ExitStack) -> Contender:
    """A plain loop, watched by a tool; what that writes goes to a folder, and is closed in the end."""
    every = INTERVALS[case.watched]

    def watch(network: nn.Sequential) -> Watcher:
        watcher = TOOLS[case.tool](network, every, folder)
        closing.callback(watcher.close)
        return watcher

    if TOOLS.get(case.tool) is Histograms and every == 1:
        steps = min(steps, 5)  # one of them takes as long as many of the others
    return Contender(plain_loop(data, steps, watch if every else None), steps)


def measure(setting: Setting) -> pd.DataFrame:
    """Milliseconds a step unwatched, watched every 100 steps and at every step."""
    data, steps = load_mnist(setting), setting.choose(PROBE_EVERY, 2)
    trainers = {replicas: study_trainer(data, replicas) for replicas in (1, setting.choose(20, 2))}
    ours = [Case("the study", replicas, watched) for replicas in trainers for watched in INTERVALS]
    others = [Case("plain loop", 1, "off")]
    others += [Case(tool, 1, watched) for tool in TOOLS for watched in list(INTERVALS)[1:]]
    cases = ours + others
    names = {case: ", ".join(map(str, case)) for case in cases}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        builders = {
            names[case]: partial(watched_study, trainers[case.replicas], INTERVALS[case.watched], steps)
            for case in ours
        } | {
            names[case]: partial(watched_plain, case, data, steps, Path(folder, names[case]), closing)
            for case in others
        }  # fmt: skip
        times, table = compare(builders, setting.choose(15, 1))
    bare = {name: names[case.bare] for case, name in names.items()}
    return pd.DataFrame(cases, columns=Case._fields).assign(
        **{column: table[column] for column in ("median_ms", "min_ms", "max_ms", "rounds")},
        bare_ms=[times[bare[name]].median() for name in times],
        ratio=ratios(times, bare),
        note=table["note"],
    )
