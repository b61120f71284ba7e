"""What is done to pixels, against the formulas."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from activation_study.datasets import load, preprocessing


def test_standardize_has_mean_0_and_std_1_on_the_training_images():
    for choice in ({}, {"train_limit": 100}, {"valid_size": 0}):
        images = load("digits", **choice).train.images
        assert images.mean().item() == pytest.approx(0, abs=1e-5)
        assert images.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_standardize_works_channel_by_channel_with_the_training_statistics():
    train = torch.rand(50, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1, 0.5, 0.1]).view(
        3, 1, 1
    )
    other = torch.rand(5, 3, 4, 4)
    mean = train.mean((0, 2, 3)).view(3, 1, 1)
    std = train.std((0, 2, 3), correction=0).view(3, 1, 1)
    transform = preprocessing.standardize(train)
    torch.testing.assert_close(transform(other.clone()), (other - mean) / std)


def test_standardize_only_centres_a_constant_channel():
    images = torch.full((20, 1, 9, 9), 0.1)
    assert preprocessing.standardize(images)(images.clone()).abs().max() < 1e-6


def test_raw_is_0_to_1():
    images = load("digits", preprocessing="raw").train.images
    assert (images.min(), images.max()) == (0, 1)


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(0.05, 20), shift=st.floats(-1, 1), seed=st.integers(0, 1000))
def test_contrast_normalize_ignores_brightness_and_contrast(gain, shift, seed):
    images = torch.rand(4, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    normalised = preprocessing.contrast_normalize(images)
    torch.testing.assert_close(
        preprocessing.contrast_normalize(gain * images + shift), normalised, atol=1e-2, rtol=1e-3
    )
    torch.testing.assert_close(normalised.flatten(1).norm(dim=1), torch.full((4,), 55.0))
    torch.testing.assert_close(normalised.mean((1, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)


def test_contrast_normalize_of_one_colour_is_zero():
    assert torch.equal(preprocessing.contrast_normalize(torch.full((2, 3, 5, 5), 0.3)), torch.zeros(2, 3, 5, 5))


def covariance(images):
    return torch.cov(images.flatten(1).double().T, correction=0)


def test_gcn_zca_whitens_the_training_images():
    train = torch.rand(5000, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    train = 0.7 * train + 0.3 * train.roll(1, dims=-1)  # neighbours correlate
    whitened = preprocessing.gcn_zca(train, filter_bias=1e-6)(train.clone())
    # Normalised contrast has no mean, so one of the 16 directions is empty; along the others the variance is 1.
    identity = torch.eye(16, dtype=torch.float64) - 1 / 16
    torch.testing.assert_close(covariance(whitened), identity, atol=1e-3, rtol=0)
    torch.testing.assert_close(whitened.mean(0), torch.zeros(1, 4, 4), atol=1e-4, rtol=0)


def test_gcn_zca_equals_the_formula(monkeypatch):
    monkeypatch.setattr(preprocessing, "PART", 7)  # parts must not matter
    train, other = (torch.rand(40, 3, 3, 3, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))

    def normalised(images):
        flat = images.double().flatten(1).numpy()
        flat = flat - flat.mean(1, keepdims=True)
        return 55 * flat / np.linalg.norm(flat, axis=1, keepdims=True)

    mean, cov = normalised(train).mean(0), np.cov(normalised(train).T, bias=True)
    values, vectors = np.linalg.eigh(cov)
    expected = (normalised(other) - mean) @ vectors @ np.diag((values + 0.1) ** -0.5) @ vectors.T
    found = preprocessing.gcn_zca(train)(other.clone()).flatten(1).double().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)
