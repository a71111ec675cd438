"""Multiply-adds: counted by hand, and against VGG16's published figure."""

import keras
import pytest

from tlbook.backbones.cost import multiply_adds

layers = keras.layers


def model(shape, *stack):
    return keras.Sequential([keras.Input(shape), *stack])


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (model((8, 8, 3), layers.Conv2D(4, 3)), 6 * 6 * 9 * 3 * 4),
        (model((8, 8, 3), layers.Conv2D(4, 3, strides=2, padding="same")), 4 * 4 * 9 * 3 * 4),
        (model((8, 8, 6), layers.Conv2D(4, 3, padding="same", groups=2)), 64 * 9 * 3 * 4),
        (model((8, 8, 3), layers.DepthwiseConv2D(3, padding="same")), 64 * 9 * 3),
        (model((8, 8, 3), layers.SeparableConv2D(5, 3, padding="same")), 64 * (9 * 3 + 3 * 5)),
        (model((4, 4, 3), layers.Conv2DTranspose(5, 2, strides=2)), 16 * 4 * 3 * 5),
        (model((10, 3), layers.Conv1D(4, 3)), 8 * 3 * 3 * 4),
        (model((10, 3), layers.Dense(4)), 10 * 3 * 4),
        (model((7,), layers.Dense(4), layers.BatchNormalization(), layers.ReLU(), layers.Dense(2)), 28 + 8),
        (model((10,), layers.Embedding(5, 3), layers.Flatten(), layers.Dense(2)), 60),
    ],
)
def test_counted_by_hand(built, expected):
    assert multiply_adds(built) == expected


def test_vgg16_at_its_own_size():
    """15.5 billion: the figure that surveys of networks give for VGG16 at 224 px."""
    assert multiply_adds(keras.applications.VGG16(weights=None)) == 15_470_264_320


def test_what_is_called_twice_costs_twice_and_a_nested_model_counts():
    shared, inputs = layers.Dense(4), keras.Input((4,))
    twice = keras.Model(inputs, shared(shared(inputs)))
    assert multiply_adds(twice) == 32
    assert multiply_adds(keras.Model(inputs, twice(inputs))) == 32


def test_a_body_reused_at_another_size_costs_what_it_does_there():
    layer = layers.Conv2D(4, 3, padding="same")
    sizes = [keras.Input((side, side, 3)) for side in (8, 16)]
    small, large = (keras.Model(inputs, layer(inputs)) for inputs in sizes)
    assert multiply_adds(large) == 4 * multiply_adds(small)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="lstm.*LSTM, whose multiply-adds"):
        multiply_adds(model((5, 3), layers.LSTM(2, name="lstm")))
    with pytest.raises(ValueError, match="frozen.*LSTM, whose multiply-adds"):
        multiply_adds(model((5, 3), layers.LSTM(2, name="frozen", trainable=False)))
    with pytest.raises(ValueError, match="expected known sizes"):
        multiply_adds(model((None, None, 3), layers.Conv2D(2, 3)))
