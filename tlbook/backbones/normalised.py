"""Batch normalisation put into a network that was trained without, so that it says the same as before."""

import keras
import numpy as np

EPSILON = 1e-3


def normalised(body, images, unchanged=True, momentum=0.9, batch_size=100):
    """Return a copy of a chain of layers with batch normalisation before the ReLU of every convolution.

    Parameters
    ----------
    body : keras.Model
        A chain, such as VGG16, or what `tlbook.backbones.split` cuts off it. It stays as it is.
    images : numpy.ndarray
        (n, ...), what the body takes, any numbers: the mean mu and the deviation sigma of each channel before its ReLU
        are measured on them. A few hundred pictures do.
    unchanged : bool
        Set gamma = sigma and beta = mu, beside running statistics of mu and sigma: what is subtracted is added again,
        and the network says what it said. With False the norms are fresh (gamma = 1, beta = 0), as from scratch.
    momentum : float
        Of the running statistics. At Keras's 0.99 they lag behind in a short training.
    batch_size : int
        Pictures a batch of the measurement.

    In training the statistics are those of a batch, so there even the unchanged network differs a little, and is
    noisier the smaller the batch. Raises `ValueError` where no convolution ends in a ReLU. Source: Ioffe and Szegedy
    (2015). Taught in chapter 4.7.
    """
    convolutions = [each for each in body.operations if _ends_in_relu(each)]
    if not convolutions:
        raise ValueError(f"body: {body.name} has no convolution that ends in a ReLU, expected one or more")
    moments = dict(zip((each.name for each in convolutions), _moments(body, images, batch_size), strict=True))
    first, *operations = body.operations
    x = inputs = keras.Input(first.output.shape[1:])
    for operation in operations:
        if not _ends_in_relu(operation):
            x = (_copy(operation) if isinstance(operation, keras.layers.Layer) else operation)(x)
            continue
        convolution = _copy(operation, activation="linear")
        norm = keras.layers.BatchNormalization(momentum=momentum, epsilon=EPSILON, name=f"{operation.name}_norm")
        x = keras.layers.ReLU(name=f"{operation.name}_relu")(norm(convolution(x)))
        convolution.set_weights(operation.get_weights())
        if unchanged:
            mean, variance = moments[operation.name]
            norm.set_weights([np.sqrt(variance + EPSILON), mean, mean, variance])
    return keras.Model(inputs, x, name=f"{body.name}_normalised")


def _ends_in_relu(operation):
    return isinstance(operation, keras.layers.Conv2D) and operation.activation is keras.activations.relu


def _copy(layer, **changes):
    return type(layer).from_config(layer.get_config() | changes)


def _moments(body, images, batch_size):
    """Return mean and variance of each channel before each ReLU of a chain, over pictures and places."""
    first, *operations = body.operations
    x = inputs = keras.Input(first.output.shape[1:])
    found = []
    for operation in operations:
        if _ends_in_relu(operation):
            linear = _copy(operation, activation="linear")
            x = linear(x)
            linear.set_weights(operation.get_weights())
            found += [keras.ops.mean(x, axis=(1, 2)), keras.ops.mean(keras.ops.square(x), axis=(1, 2))]
            x = keras.ops.relu(x)
        else:
            x = operation(x)
    model, sums = keras.Model(inputs, found), [0.0] * len(found)
    for start in range(0, len(images), batch_size):
        made = model(images[start : start + batch_size].astype("float32"), training=False)
        sums = [so_far + keras.ops.convert_to_numpy(each).sum(axis=0) for so_far, each in zip(sums, made, strict=True)]
    means = [each.astype("float64") / len(images) for each in sums]
    return [(mean, np.maximum(square - mean**2, 0)) for mean, square in zip(means[::2], means[1::2], strict=True)]
