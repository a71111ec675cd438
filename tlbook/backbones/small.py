"""Small convolutional networks: one for small pictures, one for spectrograms."""

import keras


def small_cnn(input_shape=(32, 32, 3), width=16):
    """Return a small convolutional network: three stages, each twice as wide and half as large as the one before.

    Input (n, height, width, 3), RGB, 0..255. Output (n, height // 8, width // 8, 4 * width) float32. Raises
    `ValueError` for a side below 8.

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

    Input (n, frames, bands), decibels of -60..0 (`tlbook.inputs.sound.log_mel`). Output (n, 4 * width) float32: which
    features are there, but no longer exactly when or how high. Raises `ValueError` for a side below 16.

    The momentum of batch normalisation is 0.9 for the reason that `small_cnn` gives. Taught in chapter 5.7.
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


def small_speech_frames(input_shape=(None, 40), width=16):
    """Return `small_speech_cnn` cut before its mean: a vector for every fourth frame, in place of one for all.

    Input (n, frames, bands), decibels of -60..0, any number of frames. Output (n, frames / 4, features) float32: with a
    frame every 16 ms one vector every 64 ms, which has seen about 0.7 s around it. The weights are those of
    `small_speech_cnn`, in the same order, so `set_weights` takes them over. From the third stage on, time is no longer
    halved: kernels are spread instead (dilated), so that each meets the spacing that it was trained on.
    Raises `ValueError` for fewer than 16 bands. Taught in chapter 5.14.
    """
    if len(input_shape) != 2 or input_shape[1] < 16:
        raise ValueError(f"input_shape: got {input_shape}, expected (frames or None, bands), 16 bands or more")
    inputs = keras.Input(input_shape, name="decibels")
    x = keras.layers.Reshape((-1, input_shape[1], 1), name="one_channel")(inputs)
    x = keras.layers.Rescaling(1 / 30, offset=1.0, name="to_minus_one_plus_one")(x)
    stages = [(width, 2, 1), (2 * width, 2, 1), (4 * width, 1, 1), (4 * width, 1, 2)]
    for stage, (channels, halved, spread) in enumerate(stages, start=1):
        options = {"padding": "same", "use_bias": False, "dilation_rate": (spread, 1), "name": f"stage{stage}_conv"}
        x = keras.layers.Conv2D(channels, 3, **options)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm")(x)
        x = keras.layers.ReLU(name=f"stage{stage}_relu")(x)
        x = keras.layers.MaxPooling2D(2, (halved, 2), padding="same", name=f"stage{stage}_pool")(x)
    _, _, height, channels = x.shape
    x = keras.layers.Reshape((-1, height * channels), name="side_by_side")(x)
    return keras.Model(inputs, x, name="small_speech_frames")
