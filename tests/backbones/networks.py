"""What the tests of several backbones share: pictures, a comparison, and networks in which a mistake would show."""

import functools

import keras
import numpy as np

from tlbook import backbones


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


@functools.cache
def vgg16_with_biases():
    """A VGG16 with random biases too: fresh ones are zero, and would hide a mistake. No test may change it."""
    keras.utils.set_random_seed(0)
    model = backbones.vgg16.build()
    for layer in model.layers:
        if layer.weights:
            layer.bias.assign(np.random.default_rng(0).normal(size=layer.bias.shape))
    return model
