"""Random crops and mirror images, against a loop over images."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from activation_study.datasets import augment
from activation_study.errors import StudyError


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def augment_one_by_one(images, seeds, padding, flip):
    """What `augment` does, image after image."""
    result = torch.zeros_like(images)
    height, width = images.shape[-2:]
    for replica, generator in enumerate(generators(*seeds)):
        draws = torch.rand(3, images.shape[1], generator=generator)
        for i, (top, left, mirrored) in enumerate(draws.T.tolist()):
            image = images[replica, i]
            padded = image.new_zeros(len(image), height + 2 * padding, width + 2 * padding)
            padded[:, padding : padding + height, padding : padding + width] = image
            row, column = int(top * (2 * padding + 1)), int(left * (2 * padding + 1))
            crop = padded[:, row : row + height, column : column + width]
            result[replica, i] = crop.flip(-1) if flip and mirrored < 0.5 else crop
    return result


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, n) for n in (3, 5, 3, 7, 7)]),
    padding=st.integers(0, 4),
    flip=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_augment_equals_a_loop_over_images(shape, padding, flip, seed):
    images = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    seeds = [seed + replica for replica in range(shape[0])]
    found = augment(images, generators(*seeds), padding=padding, flip=flip)
    assert torch.equal(found, augment_one_by_one(images, seeds, padding, flip))


def test_augment_draws_each_replica_alone():
    images = torch.randn(3, 16, 3, 8, 8)
    together = augment(images, generators(7, 8, 9), padding=2, flip=True)
    for replica, seed in enumerate((7, 8, 9)):
        alone = augment(images[replica : replica + 1], generators(seed), padding=2, flip=True)
        assert torch.equal(alone[0], together[replica])


def test_augment_reaches_every_place_equally_often():
    batch = 25 * 2 * 200
    images = torch.zeros(1, batch, 1, 7, 7)
    images[..., 3, 2] = 1  # where it lands tells offset and flip
    found = augment(images, generators(0), padding=2, flip=True)
    counts = found.sum((0, 1, 2))
    # Unflipped it lands in columns 0-4, flipped in 2-6, where they overlap twice as often.
    expected = torch.zeros(7, 7)
    expected[1:6, 0:5] += 200
    expected[1:6, 2:7] += 200
    assert counts.sum() == batch
    assert ((counts - expected).abs() < 5 * expected.sqrt() + 1e-9).all()


def test_augment_without_a_choice_returns_the_images():
    images = torch.randn(2, 3, 1, 4, 4)
    assert augment(images, generators(0, 1), padding=0, flip=False) is images


def test_augment_refuses_what_it_cannot_do():
    images = torch.randn(2, 3, 1, 4, 4)
    with pytest.raises(StudyError, match=r"dataset\.augment\.padding=-1"):
        augment(images, generators(0, 1), padding=-1, flip=False)
    with pytest.raises(ValueError, match="2 replicas"):
        augment(images, generators(0), padding=1, flip=False)
