"""How several convolutional networks are best trained at once: layouts of a grouped convolution, and a loop."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pandas as pd
import torch
from convnets import CLASSES, CONVNET, NIN, Layers, convolutions, plain, stacked
from setting import Setting
from timing import Contender, NotMeasured, compare, compile_now, compiled_network, ratios
from torch import Tensor, nn
from torch.nn import functional as F

from activation_study.networks.layers import fold, unfold
from activation_study.training.objectives import cross_entropy

ABOUT = """
One whole pass, forward and backward, on images of CIFAR-10's shape, of all networks together, in milliseconds; no
optimizer. *Ratio* is over the limit. Networks: the study's **convnet** (width 16, depth 6, batch 64) and **NIN**, the
network in network of Xu et al. 2015 (0.97 M weights; without dropout; a batch of 16, so that a turn takes seconds).

- **the study**: one grouped convolution for all networks. Activations have the shape (replicas, batch, channels, ...)
  but lie in memory as the convolution leaves them, on a CPU channels last, so that nothing is copied between layers.
- **grouped**: one torch network whose channels are those of all networks, in groups.
- **loop**: one network after the other. Both also in torch's **channels last** memory format.
- **bfloat16**: the study's under `torch.autocast`; other numbers, so no choice for a study of gradients.
- **torch.compile**: the study's, compiled. **CUDA graph**: the study's, recorded once and played again.
- **limit**: the convolutions alone, forward and backward, in each layout; the fastest of them is the limit.
"""
NETWORKS: dict[str, tuple[Layers, int]] = {"convnet": (CONVNET, 64), "NIN": (NIN, 16)}  # and the batch
FORMATS = {"": torch.contiguous_format, ", channels last": torch.channels_last}


def whole_pass(networks: Iterable[nn.Module], forward: Callable[[Tensor], Tensor], images: Tensor) -> Contender:
    """Forward, loss and backward of all networks.

    Args:
        networks: own the parameters.
        forward: maps images to logits, (replicas, batch, classes).
        images: (replicas, batch, 3, 32, 32).
    """
    parameters = [parameter for network in networks for parameter in network.parameters()]
    labels = torch.randint(CLASSES, images.shape[:2], device=images.device)

    def run() -> None:
        for parameter in parameters:
            parameter.grad = None
        cross_entropy(forward(images), labels).mean(1).sum().backward()

    return Contender(run)


def study(layers: Layers, images: Tensor, dtype: torch.dtype | None = None) -> Contender:
    """The study's stacked layers; in a shorter type, if wanted."""
    network = stacked(layers, len(images)).to(images.device)

    def forward(images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, dtype, enabled=dtype is not None):
            return network(images)

    return whole_pass([network], forward, images)


def grouped(layers: Layers, images: Tensor, memory_format: torch.memory_format) -> Contender:
    """One network whose channels are those of all, in groups."""
    network = plain(layers, len(images)).to(images.device).to(memory_format=memory_format)

    def forward(images: Tensor) -> Tensor:
        return unfold(network(fold(images).contiguous(memory_format=memory_format)), len(images))

    return whole_pass([network], forward, images)


def loop(layers: Layers, images: Tensor, memory_format: torch.memory_format) -> Contender:
    """One network after the other."""
    networks = [plain(layers).to(images.device).to(memory_format=memory_format) for _ in images]

    def forward(images: Tensor) -> Tensor:
        batches = (batch.contiguous(memory_format=memory_format) for batch in images)
        return torch.stack([network(batch) for network, batch in zip(networks, batches, strict=True)])

    return whole_pass(networks, forward, images)


def compiled(layers: Layers, images: Tensor, quick: bool) -> Contender:
    """The study's through torch.compile."""
    network = compiled_network(stacked(layers, len(images)).to(images.device), quick)
    run = whole_pass([network], network, images).run
    return Contender(run, note=compile_now(run))


def graphed(layers: Layers, images: Tensor) -> Contender:
    """The study's as CUDA graphs, one forward and one backward."""
    if images.device.type != "cuda":
        raise NotMeasured("CUDA graphs need a GPU")
    network = stacked(layers, len(images)).to(images.device)
    forward: Any = torch.cuda.make_graphed_callables(network, (images,))
    return whole_pass([network], forward, images)


def limit(layers: Layers, images: Tensor, groups: int, memory_format: torch.memory_format) -> Contender:
    """The convolutions alone: forward, and backward for weights, biases and, but for the first, inputs."""
    replicas, batch = images.shape[:2]

    def operand(*shape: int) -> Tensor:
        return torch.randn(shape, device=images.device).contiguous(memory_format=memory_format)

    calls = []
    for number, (conv, size) in enumerate(convolutions(layers)):
        inputs, outputs = groups * conv.channels_in, groups * conv.channels_out
        for _ in range(replicas // groups):
            x, error = operand(batch, inputs, size, size), operand(batch, outputs, size, size)
            weight = operand(outputs, conv.channels_in, conv.size, conv.size)
            calls.append((x, weight, torch.zeros(outputs, device=images.device), error, conv.size // 2, number > 0))

    def run() -> None:
        for x, weight, bias, error, padding, needs_input in calls:
            F.conv2d(x, weight, bias, padding=padding, groups=groups)
            torch.ops.aten.convolution_backward(
                error, x, weight, [len(bias)], [1, 1], [padding, padding], [1, 1], False, [0, 0], groups,
                [needs_input, True, True],
            )  # fmt: skip

    return Contender(run)


def contenders(layers: Layers, images: Tensor, quick: bool) -> dict[str, Callable[[], Contender]]:
    """What makes each of them, by name."""
    replicas, here = len(images), (layers, images)
    made: dict[str, Callable[[], Contender]] = {
        "the study": partial(study, *here),
    }
    made |= {f"grouped{last}": partial(grouped, *here, memory_format) for last, memory_format in FORMATS.items()}
    made |= {f"loop{last}": partial(loop, *here, memory_format) for last, memory_format in FORMATS.items()}
    made |= {
        "bfloat16": partial(study, *here, dtype=torch.bfloat16),
        "torch.compile": partial(compiled, *here, quick),
        "CUDA graph": partial(graphed, *here),
    }
    for last, memory_format in FORMATS.items():
        made[f"limit, grouped{last}"] = partial(limit, *here, replicas, memory_format)
        if replicas > 1:
            made[f"limit, loop{last}"] = partial(limit, *here, 1, memory_format)
    return made


def measure(setting: Setting) -> pd.DataFrame:
    """Milliseconds a pass of every way, for 1 and 4 networks of each kind side by side."""
    tables = []
    for name, (layers, batch) in NETWORKS.items():
        batch = setting.choose(batch, 1)
        for replicas in setting.choose((1, 4), (2,)):
            images = torch.randn(replicas, batch, 3, 32, 32, device=setting.device)
            times, table = compare(contenders(layers, images, setting.quick), setting.choose(7, 1))
            fastest = times.filter(like="limit").median().idxmin()
            table.insert(len(table.columns) - 1, "ratio", ratios(times, fastest))
            tables.append(table.assign(network=name, replicas=replicas, batch=batch))
    table = pd.concat(tables, ignore_index=True)
    return table[["network", "replicas", "batch", *table.columns[:-3]]]
