"""Cutting a backbone: halves make a whole, share its layers, and the lower one can stay as it is."""

import keras
import numpy as np
import pytest
from networks import close, output, pictures, redraw, vgg16_with_biases

from tlbook import backbones, heads, training


@pytest.fixture(autouse=True, scope="module")
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def vgg16():
    return vgg16_with_biases()


@pytest.fixture
def small():
    return redraw(backbones.small_cnn((8, 8, 3), width=2))


def test_halves_compose_to_the_whole_wherever_it_is_cut(small):
    images = pictures(size=8)
    expected = output(small, images)
    for operation in small.operations[:-1]:
        lower, upper = backbones.split(small, operation.name)
        middle = output(lower, images)
        np.testing.assert_array_equal(
            middle, output(keras.Model(small.input, operation.output), images), err_msg=operation.name
        )
        np.testing.assert_allclose(output(upper, middle), expected, rtol=1e-5, err_msg=operation.name)


@pytest.mark.parametrize("at", ["flip", "minus_mean", "block1_pool", "block4_pool"])
def test_halves_of_vgg16_compose_to_the_whole(vgg16, at):
    """The flip to BGR is an operation of the model and no layer: it is easily lost."""
    images = pictures(2)
    (at,) = [operation.name for operation in vgg16.operations if operation.name.startswith(at)]
    lower, upper = backbones.split(vgg16, at)
    close(output(upper, output(lower, images)), output(vgg16, images))
    assert lower.count_params() + upper.count_params() == vgg16.count_params()
    assert lower.name == f"vgg16_to_{at}" and upper.name == f"vgg16_from_{at}"


def test_a_half_can_be_cut_again(small):
    lower, upper = backbones.split(small, "stage1_pool")
    middle, top = backbones.split(upper, "stage2_pool")
    images = pictures(size=8)
    np.testing.assert_allclose(output(top, output(middle, output(lower, images))), output(small, images), rtol=1e-5)


def test_halves_share_the_layers_of_the_whole(small):
    lower, upper = backbones.split(small, "stage1_pool")
    for half in (lower, upper):
        assert half.weights and all(any(weight is other for other in small.weights) for weight in half.weights)
    assert len(lower.weights) + len(upper.weights) == len(small.weights)


@pytest.mark.parametrize("at", ["block9_pool", "", None, 3, "stage3_pool"])
def test_cut_at_a_layer_that_is_not_there_or_the_last(small, at):
    with pytest.raises(ValueError, match=r"at: got .*expected one of \[.*'stage3_conv1'.*'stage3_relu2'\]$"):
        backbones.split(small, at)


@pytest.fixture
def one_stage(small):
    """Its first stage alone, which compiles in a fraction of the time."""
    return backbones.split(small, "stage1_pool")[0]


def train(model, images, labels):
    training.fit(model, training.Batches([images], labels, 8), (images.astype("float32"), labels), 2, 0.05)


def test_frozen_lower_half_stays_as_it_is_to_the_last_bit(one_stage):
    """Its running statistics too: Keras runs a frozen batch normalisation in inference mode."""
    lower, upper = backbones.split(one_stage, "stage1_relu1")
    before = {half: half.get_weights() for half in (lower, upper)}
    images, labels = pictures(16, size=8), np.arange(16) % 2
    features = output(lower, images)
    lower.trainable = False
    model = heads.classifier(one_stage, 2)
    assert len(model.trainable_variables) == len(upper.trainable_variables) + 2, "the head has two"
    train(model, images, labels)
    for old, new in zip(before[lower], lower.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(output(lower, images), features)
    assert all(not np.array_equal(old, new) for old, new in zip(before[upper], upper.get_weights(), strict=True))


def test_training_the_upper_half_on_features_trains_the_whole(one_stage):
    lower, upper = backbones.split(one_stage, "stage1_relu1")
    images, labels = pictures(16, size=8), np.arange(16) % 2
    before, bottom = output(one_stage, images), lower.get_weights()
    train(heads.classifier(upper, 2), output(lower, images), labels)
    assert not np.allclose(output(one_stage, images), before)
    np.testing.assert_allclose(output(one_stage, images), output(upper, output(lower, images)), rtol=1e-5)
    assert all(np.array_equal(old, new) for old, new in zip(bottom, lower.get_weights(), strict=True))


def test_operations_that_another_model_used_first_are_cut_as_this_one_uses_them():
    """VGG16 behind an enlargement: its first operation remembers an input that was not enlarged."""
    layers = [keras.layers.Conv2D(2, 3, name="first"), keras.layers.ReLU(name="second")]
    small_input = keras.Input((8, 8, 3))
    layers[1](layers[0](small_input))
    inputs = keras.Input((4, 4, 3))
    enlarged = keras.layers.UpSampling2D(2, name="enlarge")(inputs)
    whole = keras.Model(inputs, layers[1](layers[0](enlarged)))
    lower, upper = backbones.split(whole, "first")
    assert lower.input_shape == (None, 4, 4, 3) and lower.output_shape == (None, 6, 6, 2)
    images = np.random.default_rng(0).random((2, 4, 4, 3), "float32")
    assert np.array_equal(upper(lower(images)), whole(images))
