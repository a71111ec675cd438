"""Backbones: VGG16 is the published network, the small CNN is what it says, and halves make a whole."""

import keras
import numpy as np
import pytest

from tlbook import backbones, heads, training
from tlbook.files import sources


@pytest.fixture(autouse=True, scope="module")
def seed():
    keras.utils.set_random_seed(0)


def pictures(n=3, size=32):
    return np.random.default_rng(0).integers(256, size=(n, size, size, 3), dtype=np.uint8)


def output(model, inputs):
    return np.asarray(model(np.asarray(inputs, "float32"), training=False))


def close(got, expected):
    """Compare with a tolerance that follows the size of the activations: they differ from layer to layer."""
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def redraw(model):
    """Give every weight of a small CNN another random number: fresh scales and statistics would hide mistakes."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([rng.normal(0, 0.3, layer.kernel.shape)])
        elif isinstance(layer, keras.layers.BatchNormalization):
            # Scale, shift, running mean and running variance. The shift keeps units alive.
            ranges = (0.5, 1.5), (0.3, 0.8), (-0.2, 0.2), (0.5, 1.5)
            layer.set_weights([rng.uniform(*each, layer.gamma.shape) for each in ranges])
    return model


@pytest.fixture(scope="module")
def vgg16():
    """A VGG16 with random biases too: fresh ones are zero, and would hide a mistake."""
    model = backbones.vgg16.build()
    for layer in model.layers:
        if layer.weights:
            layer.bias.assign(np.random.default_rng(0).normal(size=layer.bias.shape))
    return model


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


def test_pretrained_vgg16_carries_the_weights_of_imagenet(weights):
    model, source = backbones.vgg16.pretrained()
    arrays, expected_source = backbones.vgg16.find_arrays()
    assert source == expected_source
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


@pytest.mark.parametrize(("shape", "width", "out"), [((32, 32, 3), 16, (4, 4, 64)), ((8, 24, 1), 2, (1, 3, 8))])
def test_small_cnn_has_three_stages_each_twice_as_wide_and_half_as_large(shape, width, out):
    model = backbones.small_cnn(shape, width)
    assert model.input_shape == (None, *shape) and model.output_shape == (None, *out)
    channels = [shape[2], width, width, 2 * width, 2 * width, 4 * width, 4 * width]
    convolutions = sum(9 * a * b for a, b in zip(channels[:-1], channels[1:], strict=True))
    assert model.count_params() == convolutions + 4 * sum(channels[1:]), "4 numbers of batch normalisation a channel"
    for stage in (1, 2, 3):
        sides = [side // 2**stage for side in shape[:2]]
        assert model.get_layer(f"stage{stage}_pool").output.shape == (None, *sides, width * 2 ** (stage - 1))


@pytest.mark.parametrize("shape", [(7, 8, 3), (8, 7, 3), (8, 8), (1, 8, 8, 3)])
def test_small_cnn_refuses_shapes_that_it_cannot_halve_three_times(shape):
    with pytest.raises(ValueError, match=r"input_shape: got \(.*sides of 8 or more"):
        backbones.small_cnn(shape)


def by_hand(images, found):
    """The small CNN in NumPy: convolution, batch normalisation by the running statistics, ReLU, pooling."""
    x = images / 127.5 - 1
    for stage in range(1, 4):
        for number in (1, 2):
            (kernel,) = found[f"stage{stage}_conv{number}"]
            padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))  # (n, h, w, channels, 3, 3)
            x = np.einsum("nhwcij,ijck->nhwk", windows, kernel)
            gamma, beta, mean, variance = found[f"stage{stage}_norm{number}"]
            x = np.maximum(gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta, 0)
        n, height, width, channels = x.shape
        x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    return x


def test_small_cnn_computes_what_numpy_computes():
    model = redraw(backbones.small_cnn((8, 16, 3), width=3))
    images = pictures(2, 16)[:, :8]
    expected = by_hand(images, {layer.name: layer.get_weights() for layer in model.layers})
    assert expected.std() > 0
    close(output(model, images), expected)


def test_running_statistics_of_the_small_cnn_follow_within_a_short_training():
    """At Keras's momentum of 0.99 a comparison with transfer would flatter transfer."""
    norms = [layer for layer in backbones.small_cnn().layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 6 and {norm.momentum for norm in norms} == {0.9}


def test_two_networks_do_not_share_weights():
    first, second = backbones.small_cnn(width=2), backbones.small_cnn(width=2)
    before = second.get_weights()
    first.set_weights([weight + 1 for weight in first.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, second.get_weights(), strict=True))


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


def train(model, images, labels):
    training.fit(model, training.Batches([images], labels, 8), (images.astype("float32"), labels), 2, 0.05)


def test_frozen_lower_half_stays_as_it_is_to_the_last_bit(small):
    """Its running statistics too: Keras runs a frozen batch normalisation in inference mode."""
    lower, upper = backbones.split(small, "stage2_conv1")
    before = {half: half.get_weights() for half in (lower, upper)}
    images, labels = pictures(16, size=8), np.arange(16) % 2
    features = output(lower, images)
    lower.trainable = False
    model = heads.classifier(small, 2)
    assert len(model.trainable_variables) == len(upper.trainable_variables) + 2, "the head has two"
    train(model, images, labels)
    for old, new in zip(before[lower], lower.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(output(lower, images), features)
    assert all(not np.array_equal(old, new) for old, new in zip(before[upper], upper.get_weights(), strict=True))


def test_training_the_upper_half_on_features_trains_the_whole(small):
    lower, upper = backbones.split(small, "stage2_conv1")
    images, labels = pictures(16, size=8), np.arange(16) % 2
    before, bottom = output(small, images), lower.get_weights()
    train(heads.classifier(upper, 2), output(lower, images), labels)
    assert not np.allclose(output(small, images), before)
    np.testing.assert_allclose(output(small, images), output(upper, output(lower, images)), rtol=1e-5)
    assert all(np.array_equal(old, new) for old, new in zip(bottom, lower.get_weights(), strict=True))
