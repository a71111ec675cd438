"""Small networks: they compute what they say, for pictures and for spectrograms."""

import keras
import numpy as np
import pytest
from networks import close, output, pictures, redraw

from tlbook import backbones
from tlbook.inputs import sound


@pytest.fixture(autouse=True, scope="module")
def seed():
    keras.utils.set_random_seed(0)


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


def test_small_speech_cnn_knows_what_but_not_when():
    """Sixteen frames are one step of the last pooling, and the mean over all steps does not care which one it was."""
    keras.utils.set_random_seed(0)
    body = backbones.small_speech_cnn((160, 40))  # so long that no border is near
    early = np.full((1, 160, 40), sound.FLOOR, "float32")
    early[0, 64:76, 5:30] = np.random.default_rng(0).uniform(sound.FLOOR, 0, (12, 25))
    late, higher = np.roll(early, 16, axis=1), np.roll(early, 5, axis=2)
    features = [np.asarray(body(picture, training=False)) for picture in (early, late, higher)]
    assert features[0].shape == (1, 64)
    np.testing.assert_allclose(features[0], features[1], atol=1e-5)
    assert np.abs(features[0] - features[2]).max() > 1e-3


def test_small_speech_cnn_has_momentum_09_and_sees_decibels_between_minus_one_and_one():
    body = backbones.small_speech_cnn((32, 24), width=4)
    assert body.output_shape == (None, 16)
    norms = [layer for layer in body.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.momentum for layer in norms] == [0.9] * 4
    scale = body.get_layer("to_minus_one_plus_one")
    np.testing.assert_allclose(np.asarray(scale(np.array([sound.FLOOR, 0.0]))), [-1, 1])


@pytest.mark.parametrize("shape", [(8, 40), (64, 15), (64, 40, 1), (64,)])
def test_small_speech_cnn_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="input_shape: got"):
        backbones.small_speech_cnn(shape)


def test_small_speech_frames_has_the_weights_of_the_cnn_and_keeps_the_time():
    cnn, frames = backbones.small_speech_cnn((64, 40)), backbones.small_speech_frames()
    frames.set_weights(cnn.get_weights())
    assert [w.path for w in frames.weights] == [w.path for w in cnn.weights]
    assert frames(np.zeros((2, 96, 40), "float32")).shape == (2, 24, 192)
    # A click moves along with its place: four frames later is one vector later.
    clicks = np.full((2, 160, 40), -60, "float32")
    clicks[0, 60], clicks[1, 64] = 0, 0
    early, late = keras.ops.convert_to_numpy(frames(clicks))
    np.testing.assert_allclose(early[8:30], late[9:31], atol=1e-4)


def test_small_speech_frames_is_the_cnn_where_no_time_is_dropped():
    """Up to the second stage the two are one; the third has the values of the cnn, and those between them."""
    cnn, frames = backbones.small_speech_cnn((64, 40)), backbones.small_speech_frames((64, 40))
    frames.set_weights(cnn.get_weights())
    x = np.random.default_rng(0).uniform(-60, 0, (1, 64, 40)).astype("float32")
    ours, theirs = (
        keras.ops.convert_to_numpy(keras.Model(m.input, m.get_layer("stage3_pool").output)(x)) for m in (frames, cnn)
    )
    np.testing.assert_allclose(ours[:, ::2], theirs, atol=1e-4)


def test_small_speech_frames_refuses_few_bands():
    with pytest.raises(ValueError, match=r"input_shape: got \(None, 8\)"):
        backbones.small_speech_frames((None, 8))
