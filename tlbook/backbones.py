"""Backbones: the networks that turn pictures into features. VGG16 for photographs, a small CNN for small pictures."""

import keras

from tlbook import weights

# Mean pixel of ImageNet in BGR order, on the scale 0..255: what VGG16 was trained to see subtracted.
VGG16_MEAN_BGR = (103.939, 116.779, 123.68)


def vgg16(input_shape=(32, 32, 3), pretrained=True):
    """Return VGG16 without its classifier: from RGB pixels of 0..255 to the output of `block5_pool`.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, 3), each side at least 32 pixels: five poolings halve it five times.
    pretrained : bool
        ImageNet weights, found by `tlbook.weights.vgg16_imagenet`; or freshly drawn ones (Glorot uniform).

    Returns
    -------
    keras.Model
        Input (n, height, width, 3), uint8 or float32, RGB, 0..255: the preprocessing is part of the model, so that it
        cannot be forgotten. Output (n, height // 32, width // 32, 512) float32. `model.source` says where the weights
        came from (None for fresh ones).

    Source: Simonyan and Zisserman (2015), configuration D. Taught in chapter 4.2.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < 32 or input_shape[2] != 3:
        raise ValueError(f"input_shape: got {input_shape}, expected (height, width, 3) with sides of 32 pixels or more")
    inputs = keras.Input(input_shape, name="rgb")
    x = keras.layers.Rescaling(1.0, offset=[-mean for mean in VGG16_MEAN_BGR], name="minus_mean")(
        keras.ops.flip(inputs, axis=-1)
    )
    for block, convolutions in enumerate([2, 2, 3, 3, 3], start=1):
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            x = keras.layers.Conv2D(weights.CONVOLUTIONS[name][1], 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    model = keras.Model(inputs, x, name="vgg16")
    model.source = None
    if pretrained:
        arrays, model.source = weights.vgg16_imagenet()
        for name, kernel_and_bias in arrays.items():
            model.get_layer(name).set_weights(kernel_and_bias)
    return model


def small_cnn(input_shape=(32, 32, 3), width=16):
    """Return a small convolutional network: three stages, each twice as wide and half as large as the one before.

    Input (n, height, width, 3), RGB, 0..255. Output (n, height // 8, width // 8, 4 * width) float32.

    The momentum of batch normalisation is 0.9. At Keras's 0.99 the running statistics lag behind in a short training,
    the network then looks far worse than it is, and a comparison with transfer would flatter transfer.
    Source: Ioffe and Szegedy (2015) for batch normalisation. Taught in chapter 2.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < 8:
        raise ValueError(f"input_shape: got {input_shape}, expected (height, width, channels) with sides of 8 or more")
    inputs = keras.Input(input_shape, name="rgb")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="to_minus_one_plus_one")(inputs)
    for stage in range(1, 4):
        for number in (1, 2):
            x = keras.layers.Conv2D(
                width * 2 ** (stage - 1), 3, padding="same", use_bias=False, name=f"stage{stage}_conv{number}"
            )(x)
            x = keras.layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm{number}")(x)
            x = keras.layers.ReLU(name=f"stage{stage}_relu{number}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    return keras.Model(inputs, x, name="small_cnn")


def small_speech_cnn(input_shape=(64, 40), width=16):
    """Return a small convolutional network for log-mel spectrograms: four stages, then the mean over what is left.

    Input (n, frames, bands), decibels of -60..0 (`tlbook.speech.log_mel`). Output (n, 4 * width) float32: which
    features are there, but no longer exactly when or how high. Raises `ValueError` for a side below 16.

    The momentum of batch normalisation is 0.9 for the reason that `small_cnn` gives. Taught in chapter 5.6.
    """
    if len(input_shape) != 2 or min(input_shape) < 16:
        raise ValueError(f"input_shape: got {input_shape}, expected (frames, bands), each 16 or more")
    inputs = keras.Input(input_shape, name="decibels")
    x = keras.layers.Reshape((*input_shape, 1), name="one_channel")(inputs)
    x = keras.layers.Rescaling(1 / 30, offset=1.0, name="to_minus_one_plus_one")(x)
    for stage, channels in enumerate([width, 2 * width, 4 * width, 4 * width], start=1):
        x = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"stage{stage}_conv")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm")(x)
        x = keras.layers.ReLU(name=f"stage{stage}_relu")(x)
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, x, name="small_speech_cnn")


def split(backbone, at):
    """Cut a backbone that is a chain of layers in two at the output of layer `at`: `(lower, upper)`.

    `upper(lower(images))` equals `backbone(images)`, and both halves share the backbone's layers: training `upper`
    trains the backbone. While `lower` is frozen its output can be computed once and kept (`tlbook.features`).
    Raises `ValueError` for a layer that the backbone does not have, or its last one. Taught in chapter 4.3.
    """
    # Not `layers`: the flip to BGR is an operation and no layer.
    names = [operation.name for operation in backbone.operations]
    if at not in names[:-1]:
        raise ValueError(f"at: got {at!r}, expected one of {names[:-1]}")
    cut = names.index(at) + 1
    return _chain(backbone, 0, cut, f"{backbone.name}_to_{at}"), _chain(
        backbone, cut, None, f"{backbone.name}_from_{at}"
    )


def _chain(backbone, start, stop, name):
    """Return a model of the operations start..stop of a backbone, sharing its layers."""
    first, *operations = backbone.operations[max(start - 1, 0) : stop]  # operation 0 is the input
    x = inputs = keras.Input(first.output.shape[1:])
    for operation in operations:
        x = operation(x)
    return keras.Model(inputs, x, name=name)
