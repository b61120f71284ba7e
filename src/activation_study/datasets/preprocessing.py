"""What is done to pixels before a network sees them; whatever is learned for it is learned from training images alone.

Each of `PREPROCESSINGS` takes training images, (n, channels, height, width) float32 in 0..1, and gives the transform
that every split then goes through. A transform may write over the images it is given: a second copy of CIFAR-10 costs
700 MB and takes longer to allocate than to compute.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Transform = Callable[[Tensor], Tensor]

PART = 4096  # images whitened at a time: bounds the memory beside the images themselves to some 200 MB


def raw(train: Tensor) -> Transform:
    """Leaves the pixels in 0..1."""
    return lambda images: images


def standardize(train: Tensor) -> Transform:
    """Gives every channel zero mean and unit standard deviation over all pixels of the training images.

    A channel that never varies is only centred.
    """
    std, mean = torch.std_mean(train, dim=(0, 2, 3), correction=0, keepdim=True)
    # Rounding leaves a constant channel a std a little above 0; dividing by it would blow the rounding up.
    std = torch.where(std > 1e-6, std, torch.ones_like(std))
    return lambda images: images.sub_(mean).div_(std)


def contrast_normalize(images: Tensor, *, scale: float = 55.0) -> Tensor:
    """Global contrast normalization: every image less its own mean, scaled to one Euclidean norm.

    Args:
        images: shape (n, channels, height, width).
        scale: the norm; 55 in pylearn2's CIFAR set, near sqrt(3 * 32 * 32), so that pixels are about 1.

    Returns:
        Images of the same shape; one of a single colour becomes 0.
    """
    centred = images - images.mean(dim=(1, 2, 3), keepdim=True)
    norm = centred.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
    # An image of one colour has no contrast, whatever rounding leaves (pylearn2's limit is 1e-8, for 0..255).
    return torch.where(norm > 1e-4, scale * centred / norm.clamp_min(1e-4), torch.zeros_like(centred))


def gcn_zca(train: Tensor, *, scale: float = 55.0, filter_bias: float = 0.1) -> Transform:
    """Global contrast normalization, then ZCA whitening, as for maxout (Goodfellow et al., 2013), NIN and ELU.

    The constants are those of pylearn2's make_cifar10_gcn_whitened.py: scale 55, no bias under the root of the norm,
    all components kept, `filter_bias` 0.1 added to every eigenvalue of the covariance. Along an eigenvector with
    eigenvalue e the whitened variance is therefore e / (e + 0.1), near 1 only where e is large.

    Args:
        train: the training images.
        scale: the norm of a normalised image.
        filter_bias: what is added to the eigenvalues.
    """
    size = train[0].numel()
    total = torch.zeros(size, dtype=torch.float64)
    products = torch.zeros(size, size, dtype=torch.float64)
    for part in torch.split(train, PART):
        features = contrast_normalize(part, scale=scale).flatten(1)
        total += features.sum(dim=0).cpu()
        products += (features.T @ features).cpu()
    mean = total / len(train)
    # float64 on the CPU: small eigenvalues need it, and every device then whitens alike.
    eigenvalues, vectors = torch.linalg.eigh(products / len(train) - mean.outer(mean))
    whiten = (vectors * (eigenvalues.clamp_min(0) + filter_bias).rsqrt()) @ vectors.T
    mean, whiten = mean.to(train), whiten.to(train)

    def transform(images: Tensor) -> Tensor:
        for part in torch.split(images, PART):
            features = contrast_normalize(part, scale=scale).flatten(1)
            part.copy_(((features - mean) @ whiten).view_as(part))
        return images

    return transform


PREPROCESSINGS: dict[str, Callable[[Tensor], Transform]] = {
    "standardize": standardize,
    "gcn_zca": gcn_zca,
    "raw": raw,
}
