"""A network of the user's own, called as the built-in ones are: NAME(stack, shape, classes, **options) -> nn.Module.

    class Linear(nn.Module):
        def __init__(self, stack, shape, classes, depth=1, width=64): ...

Its layers come from the stack: `stack.linear`, `stack.conv`, `stack.activation`. Its images have the shape (replicas,
batch, channels, height, width), its logits (replicas, batch, classes). Before it is trained it is tried out on a stack
of two replicas and a few random images, for what would otherwise be wrong in silence.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from activation_study.activations import Activation
from activation_study.errors import StudyError, missing
from activation_study.networks.layers import AFFINE, Stack
from activation_study.networks.own_code import OwnCode
from activation_study.schema import DEPTH, WIDTH
from activation_study.schema.kinds import PathTo
from activation_study.schema.signatures import options_of
from activation_study.seeds import Noise

Shape = tuple[int, int, int]
REPLICAS, IMAGES = 2, 3  # it is tried out with


def checked(config: Mapping[str, Any]) -> tuple[Callable[..., nn.Module], dict[str, Any]]:
    """What builds a network of the user's own, and its options.

    Args:
        config: `path`; `depth`, the number of layers that end in an activation, which is handed on where the network
            takes it; `source`, a hash of the code, where it is known; all else is options.

    Returns:
        A function of stack, shape, classes and the options, which tries the network out before it builds it.

    Raises:
        StudyError: there is no such code, it has changed, or it cannot be called so.
    """
    if "path" not in config:
        missing("model.path")
    code = OwnCode(PathTo("code").read("model.path", config["path"]))
    if config.get("source", code.digest) != code.digest:
        raise StudyError(f"model.path={code.path}: {code.file} has changed since the command began; give it again.")
    make = code.load()
    if "depth" not in config:
        missing("model.depth")
    depth = DEPTH.read("model.depth", config["depth"])
    options = {key: value for key, value in config.items() if key not in ("name", "path", "network", "source")}
    parameters = inspect.signature(make).parameters.values()
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    known = options_of(make, skip=3, whose=code.name, depth=DEPTH, width=WIDTH)
    if "depth" not in known.keys and not takes_all:
        del options["depth"]
    options = replace(known, others=takes_all).read("model", options)
    try:
        inspect.signature(make).bind(None, None, None, **options)
    except TypeError as error:
        called = ", ".join(["stack", "shape", "classes", *(f"{key}={value}" for key, value in options.items())])
        raise StudyError(f"model.path={code.path}: {code.name}({called}) is not possible ({error}).") from None

    def build(stack: Stack, shape: Shape, classes: int, **options: Any) -> nn.Module:
        with code.told():
            _Trial(code, make, stack, shape, classes, options).run(depth)
            return make(stack, shape, classes, **options)

    return build, options


class _Trial:
    """A network on a small stack of its own, so that the one to be trained is not touched."""

    def __init__(
        self,
        code: OwnCode,
        make: Callable[..., nn.Module],
        stack: Stack,
        shape: Shape,
        classes: int,
        options: dict[str, Any],
    ) -> None:
        self.code, self.options = code, options
        self.images = torch.randn(REPLICAS, IMAGES, *shape, generator=torch.Generator().manual_seed(0))
        self.logits_shape = REPLICAS, IMAGES, classes
        self.noise = Noise(range(REPLICAS))
        self.global_stream = torch.get_rng_state()
        self.network = make(
            Stack(range(REPLICAS), stack.make_activation, stack.initialization, self.noise), shape, classes, **options
        )

    def run(self, depth: int) -> None:
        """Refuses the network with a sentence if it does not do what the study takes for granted."""
        self.check_parameters()
        self.check_layers(depth)
        self.check_replicas()
        self.check_evaluation()
        if not torch.equal(self.global_stream, torch.get_rng_state()):
            self.refuse(
                "draws random numbers from torch's global stream, which no run could repeat; "
                "draw weights with stack.initialization.draw, and noise in training with stack.noise.draw"
            )

    def refuse(self, reason: str) -> NoReturn:
        raise StudyError(f"model.path={self.code.path}: {self.code.name} {reason}.")

    def check_parameters(self) -> None:
        """Every parameter must have the replicas as its first axis."""
        if not isinstance(self.network, nn.Module):
            self.refuse(f"makes a {type(self.network).__name__} instead of a torch.nn.Module")
        for name, module in self.network.named_modules():
            for own, parameter in module.named_parameters(prefix=name, recurse=False):
                kind = type(module)
                is_list = isinstance(module, nn.ParameterList | nn.ParameterDict)
                if kind.__module__.startswith("torch.nn.") and not is_list:
                    self.refuse(
                        f"has a torch.nn.{kind.__name__}, {name}, whose parameters all replicas would share; "
                        "make layers with stack.linear, stack.conv and stack.activation"
                    )
                if parameter.shape[:1] != (REPLICAS,):
                    self.refuse(
                        f"has a parameter, {own}, of the shape {tuple(parameter.shape)}; "
                        f"its first axis must be the replicas, len(stack.seeds), here {REPLICAS}"
                    )

    def check_layers(self, depth: int) -> None:
        """The probes number the layers in the order in which they are registered, and measure each once a pass."""
        modules = self.network.named_modules()
        layers: dict[nn.Module, str] = {m: name for name, m in modules if isinstance(m, (*AFFINE, Activation))}
        activations = sum(isinstance(layer, Activation) for layer in layers)
        if activations in (0, len(layers)):
            missing = "stack.activation" if activations == 0 else "stack.linear or stack.conv"
            self.refuse(f"has nothing that {missing} makes; without it there is nothing to compare")
        ran: list[nn.Module] = []
        handles = [layer.register_forward_hook(lambda module, *_: ran.append(module)) for layer in layers]
        logits = self.forward(self.images)
        for handle in handles:
            handle.remove()
        if not isinstance(logits, Tensor) or logits.shape != self.logits_shape:
            given = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            self.refuse(
                f"makes {given} of images of the shape {tuple(self.images.shape)}; "
                f"it must be {self.logits_shape}: replicas, images, classes"
            )
        if ran != list(layers):
            self.refuse(
                "must run each of its layers and activations once, in the order in which they are registered; "
                f"that is {', '.join(layers.values())}, but it runs {', '.join(layers[m] for m in ran) or 'none'}"
            )
        for before, layer in zip([None, *layers], layers, strict=False):
            if isinstance(layer, Activation) and not isinstance(before, AFFINE):
                self.refuse(f"has an activation, {layers[layer]}, that no layer of its own comes before")
        if activations != depth:
            advice = "its depth must count those" if "depth" in self.options else f"give model.depth={activations}"
            raise StudyError(
                f"model.depth={depth}: {self.code.name} has {activations} layers that end in an activation; {advice}."
            )

    def check_replicas(self) -> None:
        """What a replica puts out must depend on its own images and parameters, and on no other's."""
        images = self.images.clone().requires_grad_()
        names, parameters = zip(*self.network.named_parameters(), strict=True)
        logits = self.forward(images)
        # Random weights: the sum of what a softmax puts out would depend on nothing.
        sums = (logits * torch.rand(logits.shape, generator=torch.Generator().manual_seed(1))).sum((1, 2))
        for replica in range(REPLICAS):
            gradients = torch.autograd.grad(sums[replica], [images, *parameters], retain_graph=True, allow_unused=True)
            for name, gradient in zip(["its images", *names], gradients, strict=True):
                if gradient is None:
                    self.refuse(f"does not use {name}: there is no gradient with respect to it")
                others = torch.arange(REPLICAS) != replica
                if (gradient[others].abs() > 0).any():
                    self.refuse(
                        "lets replicas influence one another; no operation may mix or move entries of the first axis"
                    )

    def check_evaluation(self) -> None:
        """Evaluation hands one copy of the images to all replicas, as a view."""
        self.network.eval()
        with torch.no_grad():
            self.network(self.images[0].expand_as(self.images))

    def forward(self, images: Tensor) -> Tensor:
        self.noise.at(0)
        return self.network(images)
