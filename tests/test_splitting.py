"""The order in which validation and training images are drawn."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from activation_study.datasets.splitting import shuffled


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=6), seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1)
)
def test_every_beginning_of_an_order_by_class_is_in_proportion(counts, seed, share) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    order, kept = shuffled(labels, seed, by_class=True)
    assert sorted(order) == list(range(len(labels)))
    assert sorted(labels[order[:kept]]) == list(range(len(counts)))
    taken = round(share * (len(labels) - kept))
    of_each = np.bincount(labels[order[kept : kept + taken]], minlength=len(counts))
    # Of the rest of each class the same share is taken, to half an image.
    rest = np.array(counts) - 1
    reached = of_each[rest > 0] / rest[rest > 0]
    if len(reached):
        assert reached.max() - reached.min() <= 1 / rest[rest > 0].min() + 1e-9


def test_published_sets_are_drawn_from_as_a_whole() -> None:
    labels = np.arange(50) % 3
    order, kept = shuffled(labels, 7, by_class=False)
    assert kept == 0
    np.testing.assert_array_equal(order, np.random.RandomState(7).permutation(50))
