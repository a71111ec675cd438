"""VGG16 is the published network, carries the published weights, and takes pixels as they are."""

import keras
import numpy as np
import pytest
from networks import close, output, pictures, vgg16_with_biases

from tlbook import backbones
from tlbook.files import sources


@pytest.fixture(scope="module")
def vgg16():
    return vgg16_with_biases()


@pytest.fixture(scope="module")
def reference(vgg16):
    """Keras's own VGG16 with the same weights."""
    model = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    model.set_weights(vgg16.get_weights())
    return model


@pytest.mark.parametrize("layer", ["block1_conv1", "block1_pool", "block3_conv3", "block4_pool", "block5_pool"])
def test_vgg16_is_keras_vgg16_on_preprocessed_pixels(vgg16, reference, layer):
    images = pictures()
    preprocessed = keras.applications.vgg16.preprocess_input(images.astype("float32"))
    expected = output(keras.Model(reference.input, reference.get_layer(layer).output), preprocessed)
    got = output(keras.Model(vgg16.input, vgg16.get_layer(layer).output), images)
    assert expected.std() > 0
    close(got, expected)


def test_vgg16_has_the_layers_of_keras_vgg16(vgg16, reference):
    def described(model):
        return [
            (layer.name, tuple(layer.output.shape), layer.count_params())
            for layer in model.layers
            if layer.name.startswith("block")
        ]

    assert described(vgg16) == described(reference)
    assert vgg16.count_params() == reference.count_params() == 14_714_688
    assert vgg16.input_shape == (None, 32, 32, 3) and vgg16.output_shape == (None, 1, 1, 512)


def test_vgg16_takes_pixels_as_they_are(vgg16):
    images = pictures()
    close(np.asarray(vgg16(images)), output(vgg16, images))
    assert np.asarray(vgg16(images)).dtype == np.float32


def test_vgg16_of_another_size():
    model = backbones.vgg16.build((64, 96, 3))
    assert model.output_shape == (None, 2, 3, 512)
    assert model.get_layer("block4_pool").output.shape == (None, 4, 6, 512)


@pytest.mark.parametrize("shape", [(31, 32, 3), (32, 31, 3), (32, 32, 1), (32, 32, 4), (32, 32), (1, 32, 32, 3)])
def test_vgg16_refuses_shapes_that_it_cannot_halve_five_times(shape):
    with pytest.raises(ValueError, match=r"input_shape: got \(.*expected \(height, width, 3\) with sides of 32"):
        backbones.vgg16.build(shape)


def test_fresh_vgg16_needs_no_file():
    assert backbones.vgg16.build().count_params() == 14_714_688


def test_pretrained_vgg16_without_weights_is_an_error():
    """Never random weights in the place of pretrained ones."""
    with pytest.raises(sources.NotFound):
        backbones.vgg16.pretrained()


def test_pretrained_vgg16_carries_the_weights_of_imagenet(weights, monkeypatch):
    """Simonyan and Zisserman (2015), table 1: D has 2, 2, 3, 3 and 3 convolutions of 64 to 512 channels."""
    vgg16 = backbones.vgg16
    arrays, source = vgg16.find_arrays()
    assert source.name == "VGG16, ImageNet" and source.kind == "cache"
    channels = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert list(vgg16.CONVOLUTIONS.values()) == list(zip([3, *channels[:-1]], channels, strict=True))
    assert list(arrays) == list(vgg16.CONVOLUTIONS)
    assert sum(array.size for found in arrays.values() for array in found) == 14_714_688
    monkeypatch.setattr(vgg16, "find_arrays", lambda: (arrays, source))  # to read the file once is enough
    model, came = vgg16.pretrained()
    assert came is source
    for name, expected in arrays.items():
        for got, array in zip(model.get_layer(name).get_weights(), expected, strict=True):
            np.testing.assert_array_equal(got, array)
    assert sum(len(layer.weights) for layer in model.layers) == 2 * len(arrays), "no weight without an array"


def test_pretrained_weights_land_in_the_layer_of_their_name(monkeypatch):
    """The order of the file must not matter."""
    source = sources.Source("VGG16, ImageNet", "mirror", "")
    arrays = {
        name: (np.full((3, 3, *channels), i, "float32"), np.full(channels[1:], -i, "float32"))
        for i, (name, channels) in enumerate(backbones.vgg16.CONVOLUTIONS.items(), start=1)
    }
    monkeypatch.setattr(backbones.vgg16, "find_arrays", lambda: (dict(reversed(arrays.items())), source))
    model, came = backbones.vgg16.pretrained()
    assert came is source
    for name, (kernel, bias) in arrays.items():
        assert np.array_equal(model.get_layer(name).get_weights()[0], kernel)
        assert np.array_equal(model.get_layer(name).get_weights()[1], bias)
