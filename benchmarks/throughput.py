"""What a training step of one network costs, alone and beside others, against other ways of making it."""

from collections.abc import Callable
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import pandas as pd
import torch
from mnist import (
    BATCH,
    DEPTH,
    PROBE_EVERY,
    RATE,
    WIDTH,
    batches,
    load_mnist,
    plain_loop,
    plain_network,
    steps_of,
    study_loop,
    study_trainer,
)
from setting import Setting
from timing import Contender, NotMeasured, compare, compile_now, compiled_network, ratios
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.utils.data import DataLoader, RandomSampler

from activation_study.datasets import Dataset

ABOUT = """
One training step of an MLP with 8 hidden layers of 128 ReLUs on MNIST, batch 64, SGD without momentum: milliseconds a
step **and network**. *Times study* is the contender's time over the study's, *times limit* over that of the limit.

- **usual script, 0 or 2 workers**: torchvision's MNIST with ToTensor and Normalize, a DataLoader with so many workers,
  `nn.Sequential`, `torch.optim.SGD`; one network after the other.
- **resident data**: the same network and optimizer in a plain loop over images that lie on the device as one tensor.
- **torch.func vmap**: all networks in one step through `stack_module_state`, `functional_call`, `grad` and `vmap`.
- **the study**: its training loop, all networks as one stack, watched at the default interval (every 100 steps).
- **the study, compiled**: the same with the network through `torch.compile`, and unwatched, since hooks break a graph.
- **limit**: the step's matrix products alone, in the same shapes: forward, for the weights and for the inputs.

What the study's step takes beyond the products is traffic of memory: the weights' update above all, the activations
forth and back, the bias, the batch; and, with few networks, the many small calls. The faster a processor multiplies,
the more that weighs: compare the folders of other machines.
"""


def usual_script(data_dir: Path, workers: int, device: torch.device, steps: int) -> Contender:
    """The way of most examples; an epoch of the loader is a call, so that its workers rest while others run."""
    from torchvision import transforms
    from torchvision.datasets import MNIST

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    try:
        mnist = MNIST(str(data_dir), train=True, transform=transform)
    except RuntimeError:
        raise NotMeasured(f"MNIST is not in {data_dir}") from None
    sampler = RandomSampler(mnist, num_samples=steps * BATCH)
    loader = DataLoader(mnist, BATCH, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)
    network = plain_network().to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)

    def run() -> None:
        for images, labels in loader:
            loss = nn.functional.cross_entropy(network(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return Contender(run, steps)


def vmapped(data: Dataset, replicas: int, steps: int) -> Callable[[], None]:
    """The replicas through torch.func: one network's loss, vectorised over stacked parameters."""
    images, labels = data.train.images, data.train.labels
    parameters, _ = stack_module_state([plain_network().to(images.device) for _ in range(replicas)])
    skeleton = plain_network().to("meta")

    def loss(parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(skeleton, (parameters, {}), (x,)), y)

    gradients = vmap(grad(loss))
    indices = zip(*[batches(data) for _ in range(replicas)], strict=True)  # every replica has its own order

    def run() -> None:
        for batch in map(torch.stack, islice(indices, steps)):
            slopes = gradients(parameters, images[batch], labels[batch])
            with torch.no_grad():
                for name, parameter in parameters.items():
                    parameter.sub_(slopes[name], alpha=RATE)

    return run


def compiled(data: Dataset, replicas: int, steps: int, quick: bool) -> Contender:
    """The study's step with its network through torch.compile."""
    trainer = study_trainer(data, replicas, "probes.every=0")
    trainer.network = compiled_network(trainer.network, quick)
    loop = steps_of(trainer, steps)
    return Contender(loop, steps * replicas, compile_now(steps_of(trainer, 1)))


def products(replicas: int, steps: int, device: torch.device) -> Callable[[], None]:
    """The matrix products of a step: z = x W, and the gradients of W and of x."""
    operands = [
        (
            torch.randn(replicas, BATCH, fan_in, device=device),
            torch.randn(replicas, fan_in, fan_out, device=device),
            torch.randn(replicas, BATCH, fan_out, device=device),
        )
        for fan_in, fan_out in pairwise([784, *[WIDTH] * DEPTH, 10])
    ]

    def run() -> None:
        for _ in range(steps):
            for layer, (x, weight, error) in enumerate(operands):
                torch.bmm(x, weight)
                torch.bmm(x.mT, error)
                if layer > 0:  # nothing needs the images' gradient
                    torch.bmm(error, weight.mT)

    return run


def contenders(data: Dataset, replicas: int, setting: Setting) -> dict[str, Callable[[], Contender]]:
    """What makes each of them, by name."""
    device, steps = setting.device, setting.choose(PROBE_EVERY, 2)
    few = max(setting.choose(20, 2), steps // replicas)  # for those that need no hundred steps for the share of probes
    script = partial(usual_script, setting.data_dir, device=device, steps=steps)
    return {
        "usual script, 0 workers": partial(script, workers=0),
        "usual script, 2 workers": partial(script, workers=2),
        "resident data": lambda: Contender(plain_loop(data, steps), steps),
        "torch.func vmap": lambda: Contender(vmapped(data, replicas, few), few * replicas),
        "the study": lambda: Contender(study_loop(data, replicas, steps), steps * replicas),
        "the study, compiled": lambda: compiled(data, replicas, few, setting.quick),
        "limit": lambda: Contender(products(replicas, few, device), few * replicas),
    }


def measure(setting: Setting) -> pd.DataFrame:
    """Milliseconds a step and network of every way, for 1, 5, 20 and 100 networks side by side."""
    data = load_mnist(setting)
    tables = []
    for replicas in setting.choose((1, 5, 20, 100), (2,)):
        times, table = compare(contenders(data, replicas, setting), setting.choose(9, 1))
        table.insert(0, "replicas", replicas)
        table.insert(len(table.columns) - 1, "times_study", ratios(times, "the study"))
        table.insert(len(table.columns) - 1, "times_limit", ratios(times, "limit"))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
