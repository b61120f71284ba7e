"""Replica throughput: one training step of the MNIST network of 8 x 128 at batch 64, a replica, against other ways."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pandas as pd
import torch
from timing import interleaved
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.utils.data import DataLoader

from activation_study.datasets import Dataset
from activation_study.training import Replica, Trainer

BATCH, DEPTH, WIDTH, RATE = 64, 8, 128, 0.01


def network() -> nn.Sequential:
    """The network as most scripts write it."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = 784
    for _ in range(DEPTH):
        layers += [nn.Linear(inputs, WIDTH), nn.ReLU()]
        inputs = WIDTH
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def endless(loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of a loader, epoch after epoch."""
    while True:
        yield from loader


def usual(data_dir: str, workers: int, device: torch.device, steps: int) -> Callable[[], None]:
    """Torchvision's data set with ToTensor and Normalize, a DataLoader, nn.Sequential, torch.optim."""
    from torchvision import transforms
    from torchvision.datasets import MNIST

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    mnist = MNIST(data_dir, train=True, transform=transform)
    batches = endless(
        DataLoader(mnist, BATCH, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0)
    )
    model = network().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def run() -> None:
        for _ in range(steps):
            images, labels = next(batches)
            loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def resident(data: Dataset, steps: int) -> Callable[[], None]:
    """The same network in a plain loop over data that lie on the device."""
    images, labels = data.train.images, data.train.labels
    model = network().to(images.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def run() -> None:
        order = torch.randperm(len(labels), device=labels.device)
        for at in range(steps):
            batch = order[at * BATCH : (at + 1) * BATCH]
            loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def vmapped(data: Dataset, replicas: int, steps: int) -> Callable[[], None]:
    """The replicas through torch.func: one network's loss, vectorised over stacked parameters."""
    images, labels = data.train.images, data.train.labels
    models = [network().to(images.device) for _ in range(replicas)]
    parameters, _ = stack_module_state(models)
    skeleton = network().to("meta")

    def loss(parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(skeleton, (parameters, {}), (x,)), y)

    gradients = vmap(grad(loss))

    def run() -> None:
        order = torch.stack([torch.randperm(len(labels), device=labels.device) for _ in range(replicas)])
        for at in range(steps):
            batch = order[:, at * BATCH : (at + 1) * BATCH]
            slopes = gradients(parameters, images[batch], labels[batch])
            with torch.no_grad():
                for name, parameter in parameters.items():
                    parameter.sub_(slopes[name], alpha=RATE)

    return run


def stacked(data: Dataset, replicas: int, steps: int, settings: dict) -> Callable[[], None]:
    """The study's own step: data, activations, loss, optimizer and the default probes included."""
    trainer = Trainer(settings, [Replica(seed, RATE) for seed in range(replicas)], data)

    def run() -> None:
        for _ in range(steps):
            epoch, at = divmod(trainer.step, trainer.steps_per_epoch)
            trainer._train_step(trainer._order(epoch)[:, at * BATCH : (at + 1) * BATCH])

    return run


def products(replicas: int, steps: int, device: torch.device) -> Callable[[], None]:
    """The limit: the step's matrix products alone, forward, for the weights and for the inputs."""
    sizes = [784, *[WIDTH] * DEPTH, 10]
    operands = [
        (
            torch.randn(replicas, BATCH, fan_in, device=device),
            torch.randn(replicas, fan_in, fan_out, device=device),
            torch.randn(replicas, BATCH, fan_out, device=device),
        )
        for fan_in, fan_out in pairwise(sizes)
    ]

    def run() -> None:
        for _ in range(steps):
            for index, (x, weight, error) in enumerate(operands):
                torch.bmm(x, weight)
                torch.bmm(x.mT, error)
                if index > 0:  # nothing needs the images' gradient
                    torch.bmm(error, weight.mT)

    return run


def measure(data: Dataset, data_dir: str, settings: dict, steps: int = 50, repeats: int = 7) -> pd.DataFrame:
    """Milliseconds a step and replica of every way, for 1, 5, 20 and 100 replicas."""
    device = data.train.images.device
    rows = []
    for replicas in (1, 5, 20, 100):
        some = max(4, steps // replicas)
        contenders = {
            "usual, 0 workers": (usual(data_dir, 0, device, 20), 20),
            "usual, 2 workers": (usual(data_dir, 2, device, 20), 20),
            "resident": (resident(data, steps), steps),
            "vmap": (vmapped(data, replicas, some), some * replicas),
            "stacked": (stacked(data, replicas, some, settings), some * replicas),
            "products": (products(replicas, some, device), some * replicas),
        }
        seconds = interleaved({name: run for name, (run, _) in contenders.items()}, repeats)
        per_step = seconds / pd.Series({name: calls for name, (_, calls) in contenders.items()})
        for name in contenders:
            rows.append(
                {
                    "replicas": replicas,
                    "contender": name,
                    "median_ms": per_step[name].median() * 1e3,
                    "min_ms": per_step[name].min() * 1e3,
                    "max_ms": per_step[name].max() * 1e3,
                    "times_stacked": (per_step[name] / per_step["stacked"]).median(),
                }
            )
    return pd.DataFrame(rows)
