"""Recurrent encoders: what they read, and what they ignore."""

import keras
import numpy as np
import pytest

from tlbook.backbones import recurrent


def numbers(*rows, length=6):
    return np.array([[*row, *[0] * (length - len(row))] for row in rows], "int32")


def test_the_encoder_has_the_size_that_the_formula_says():
    encoder = recurrent.text_encoder(50, width=8, units=5)
    assert encoder.count_params() == 50 * 8 + 2 * 3 * 5 * (8 + 5 + 2)
    assert encoder(numbers([2, 3])).shape == (1, 10)


def test_padding_changes_nothing_and_order_does():
    keras.utils.set_random_seed(0)
    encoder = recurrent.text_encoder(50, width=8, units=5)
    short, long = numbers([4, 7, 9]), numbers([4, 7, 9], length=30)
    np.testing.assert_allclose(encoder(short), encoder(long), atol=1e-6)
    assert np.abs(encoder(short) - encoder(numbers([9, 7, 4]))).max() > 1e-4


def test_both_directions_are_read():
    """The last word reaches the second half of the vector, which ends at the first word, and the other way round."""
    keras.utils.set_random_seed(0)
    encoder = recurrent.text_encoder(50, width=8, units=5)
    before = encoder(numbers([4, 7, 9])).numpy()
    for changed in ([5, 7, 9], [4, 7, 8]):
        moved = np.abs(encoder(numbers(changed)).numpy() - before)[0]
        assert moved[:5].max() > 1e-5 and moved[5:].max() > 1e-5


@pytest.mark.parametrize("sizes", [{"vocabulary_size": 2}, {"width": 0}, {"units": 0}])
def test_sizes_that_make_no_network(sizes):
    with pytest.raises(ValueError, match="vocabulary_size, width, units: got"):
        recurrent.text_encoder(**{"vocabulary_size": 50, "width": 8, "units": 5} | sizes)
