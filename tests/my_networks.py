import math

from torch import nn


class ResidualMLP(nn.Module):
    """Hidden layers of one width, each added to what came before it."""

    def __init__(self, stack, shape, classes, depth=4, width=64):
        super().__init__()
        self.first = nn.Sequential(nn.Flatten(2), stack.linear(math.prod(shape), width), stack.activation(width))
        self.blocks = nn.ModuleList(
            nn.Sequential(stack.linear(width, width), stack.activation(width)) for _ in range(depth - 1)
        )
        self.logits = stack.linear(width, classes)

    def forward(self, images):
        x = self.first(images)  # (replicas, batch, width)
        for block in self.blocks:
            x = x + block(x)
        return self.logits(x)
