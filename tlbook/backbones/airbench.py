"""A small modern network for pictures of 32 pixels: what a few years of speed records on CIFAR-10 have left over."""

import keras
import numpy as np

layers = keras.layers
PATCH, MOMENTUM, EPSILON = 2, 0.6, 5e-4
LOOKED_AT = 2_000  # pictures that the first layer is computed from


def build(images, width=32, classes=10, seed=0):
    """Return a network that begins with whitened patches and ends in logits, with fresh weights.

    Parameters
    ----------
    images : numpy.ndarray
        (n, height, width, 3), RGB, 0..255, some of the pictures that it will learn from: the frozen first layer whitens
        patches of 2 x 2 pixels of the first 2,000. Labels are not needed.
    width : int
        Channels of the first stage; the other two have four times as many. Of the record 64.
    classes : int
        Logits.
    seed : int
        Of the fresh weights.

    Input (n, height, width, 3), RGB, 0..255; output (n, classes). First a convolution whose filters are the principal
    axes of the patches, each with both signs, scaled to variance one; then three stages of two convolutions, each with
    batch normalisation and GELU, the first of each followed by pooling; the maximum over places; a linear layer. As
    many filters as there are channels before them begin by passing these on.
    Raises `ValueError` for pictures of another shape or a width below 1. Source: Jordan (2024), after Page (2019).
    Taught in chapter 4.8.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or min(images.shape[1:3]) < 16 or not len(images):
        raise ValueError(f"images: got shape {images.shape}, expected (n, height, width, 3) with sides of 16 or more")
    if width < 1:
        raise ValueError(f"width: got {width}, expected 1 or more")
    keras.utils.set_random_seed(seed)
    inputs = keras.Input(images.shape[1:], name="rgb")
    x = layers.Rescaling(1 / 64, offset=-2.0, name="to_minus_two_plus_two")(inputs)
    filters = 2 * PATCH * PATCH * 3
    whitening = layers.Conv2D(filters, PATCH, name="whitening", trainable=False)
    x = layers.Activation("gelu", name="whitening_gelu")(whitening(x))
    for stage, channels in enumerate((width, 4 * width, 4 * width), start=1):
        for number in (1, 2):
            name = f"stage{stage}_conv{number}"
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
            if number == 1:
                x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
            x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_norm")(x)
            x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = layers.GlobalMaxPooling2D(name="maximum")(x)
    outputs = layers.Dense(classes, use_bias=False, name="logits")(x)
    model = keras.Model(inputs, outputs, name="airbench")
    for layer in model.layers:
        if layer.name.endswith(("conv1", "conv2")):
            layer.set_weights([partly_identity(layer.get_weights()[0])])
    # Cut before they become float64: all of CIFAR-10 would be 1.2 GB.
    whitening.set_weights([whitening_filters(images[:LOOKED_AT] / 64.0 - 2.0), np.zeros(filters, "float32")])
    return model


def partly_identity(kernel):
    """Return a kernel (3, 3, in, out) whose first filters, one for each channel before them, pass it on unchanged."""
    kernel = kernel.copy()
    same = range(min(kernel.shape[2:]))
    kernel[..., same] = 0
    kernel[1, 1, same, same] = 1
    return kernel


def whitening_filters(images):
    """Return filters (2, 2, 3, 24), float32, whose answers to patches of pictures are uncorrelated, with variance one.

    `images` are floats (n, height, width, 3). The first twelve filters are the principal axes of the patches, each
    divided by its deviation; the others their opposites, so that no ReLU or GELU behind them loses a sign. Taught in
    chapter 4.8.
    """
    patches = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    flat = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, PATCH * PATCH * 3)
    values, axes = np.linalg.eigh(np.cov(flat, rowvar=False))
    scaled = axes / np.sqrt(np.maximum(values, 0) + EPSILON)
    kernel = scaled.reshape(PATCH, PATCH, 3, -1)
    return np.concatenate([kernel, -kernel], axis=-1).astype("float32")
