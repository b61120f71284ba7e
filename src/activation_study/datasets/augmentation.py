"""Random crops and mirror images, drawn on the device for stacked replicas."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from activation_study.errors import StudyError


def augment(images: Tensor, generators: Sequence[torch.Generator], *, padding: int, flip: bool) -> Tensor:
    """Images padded with zeros and cropped back at random, half of them mirrored left to right.

    Every replica draws from a generator of its own, so its crops do not depend on who shares its stack. Zero is the
    mean of standardised and of whitened pixels. With padding 4 and flip it is the augmentation of NIN and ELU.

    Args:
        images: a batch for every replica, (replicas, batch, channels, height, width).
        generators: one per replica; those of a CPU draw the same for images on any device.
        padding: zeros on each side before the crop, in pixels.
        flip: whether to mirror each image with probability 1/2.

    Returns:
        Images of the same shape; those given where there is nothing to do.

    Raises:
        StudyError: the padding is not a whole number of at least 0.
        ValueError: there is not one generator per replica.
    """
    if not isinstance(padding, int) or padding < 0:
        raise StudyError(f"dataset.augment.padding={padding} is not possible; choose 0 (no crops) or more whole pixels")
    if len(generators) != len(images):
        raise ValueError(f"{len(images)} replicas need as many generators, not {len(generators)}")
    if padding == 0 and not flip:
        return images
    _, batch, channels, height, width = images.shape

    # Three numbers per image, whatever is asked for: with and without flips the crops are the same.
    draws = [torch.rand(3, batch, generator=stream, device=stream.device) for stream in generators]
    top, left, mirrored = torch.stack(draws, dim=1).to(images.device, non_blocking=True).flatten(1).unsqueeze(-1)

    # The rows and the columns of the padded image that each crop takes, (replicas * batch, height) and (..., width).
    places = 2 * padding + 1
    down = torch.arange(height, device=images.device).expand(len(top), -1)
    across = torch.arange(width, device=images.device).expand(len(top), -1)
    if flip:
        across = torch.where(mirrored < 0.5, across.flip(-1), across)
    rows = down + (top * places).long()
    columns = across + (left * places).long()

    # Rows first and then columns: 6 times as fast on a CPU as indexing both at once.
    padded = F.pad(images.flatten(0, 1), (padding,) * 4)
    crops = padded.gather(2, rows[:, None, :, None].expand(-1, channels, -1, padded.shape[-1]))
    crops = crops.gather(3, columns[:, None, None, :].expand(-1, channels, height, -1))
    return crops.view(images.shape)
