"""Families of networks that Keras Applications lacks, as blueprints: layers and shapes, to be counted, not trained."""

import concurrent.futures

import keras

layers = keras.layers

# The nine inception modules of Szegedy et al. (2015), table 1: 1 x 1; 3 x 3 and what reduces before it; 5 x 5 likewise;
# what follows the pooling.
INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def blueprint(build, **options):
    """Call `build(**options)` and return its model without its numbers: layers and shapes, no memory for weights.

    VGG16 takes 550 MB with weights and nothing without. Such a model can be counted and drawn; it cannot compute, and
    takes no weights. Taught in chapter 6.3.

    >>> blueprint(alexnet).count_params()
    60965224
    """

    def draw():
        with keras.StatelessScope(initialize_variables=False):
            return build(**options)

    # Keras keeps a list, for each thread, of the weights that wait for numbers, and would fill them all the next time
    # that a model is trained or saved. The list of this thread ends with it.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(draw).result()


def alexnet(classes=1000):
    """Return AlexNet: input (n, 227, 227, 3), output (n, classes).

    Two groups in layers 2, 4 and 5 were on two GPUs. Source: Krizhevsky et al. (2012), section 3.5; with 227 pixels the
    sizes come out, where the paper says 224. Taught in chapter 6.3.
    """
    relu = {"activation": "relu"}
    stack = [
        layers.Conv2D(96, 11, strides=4, **relu),
        layers.MaxPooling2D(3, 2),
        layers.Conv2D(256, 5, padding="same", groups=2, **relu),
        layers.MaxPooling2D(3, 2),
        layers.Conv2D(384, 3, padding="same", **relu),
        layers.Conv2D(384, 3, padding="same", groups=2, **relu),
        layers.Conv2D(256, 3, padding="same", groups=2, **relu),
        layers.MaxPooling2D(3, 2),
        layers.Flatten(),
        layers.Dense(4096, **relu),
        layers.Dense(4096, **relu),
        layers.Dense(classes),
    ]
    return keras.Sequential([keras.Input((227, 227, 3)), *stack], name="alexnet")


def googlenet(classes=1000):
    """Return GoogLeNet without the two classifiers that only help its training: (n, 224, 224, 3) to (n, classes).

    Local response normalisation, which has no weights, is left out. Source: Szegedy et al. (2015), table 1. Taught in
    chapter 6.3.
    """

    def convolution(x, filters, size, strides=1):
        return layers.Conv2D(filters, size, strides, padding="same", activation="relu")(x)

    def pool(x, strides=2):
        return layers.MaxPooling2D(3, strides, padding="same")(x)

    inputs = keras.Input((224, 224, 3))
    x = pool(convolution(inputs, 64, 7, 2))
    x = pool(convolution(convolution(x, 64, 1), 192, 3))
    for name, (one, before3, three, before5, five, after) in INCEPTION.items():
        if name in ("4a", "5a"):
            x = pool(x)
        branches = [
            convolution(x, one, 1),
            convolution(convolution(x, before3, 1), three, 3),
            convolution(convolution(x, before5, 1), five, 5),
            convolution(pool(x, 1), after, 1),
        ]
        x = layers.Concatenate(name=f"inception_{name}")(branches)
    outputs = layers.Dense(classes)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs, name="googlenet")


def fcn(classes=21, side=224):
    """Return FCN-32s on VGG16: (n, side, side, 3) to a score for each class at each pixel, (n, side, side, classes).

    `side` is a multiple of 32. The dense layers of VGG16 have become convolutions; the last step enlarges without
    weights. The paper pads its input by 100 pixels instead of the 7 x 7 convolution. Source: Long et al. (2015). Taught
    in chapter 6.3.
    """
    body = keras.applications.VGG16(weights=None, include_top=False, input_shape=(side, side, 3))
    x = layers.Conv2D(4096, 7, padding="same", activation="relu")(body.output)
    x = layers.Conv2D(4096, 1, activation="relu")(x)
    x = layers.UpSampling2D(32, interpolation="bilinear")(layers.Conv2D(classes, 1)(x))
    return keras.Model(body.input, x, name="fcn32s")


def dcgan():
    """Return the discriminator of a DCGAN for 64 pixels: (n, 64, 64, 3) to one logit (n, 1).

    The mirror of the generator in figure 1 of Radford et al. (2016), with kernels of 5 x 5, batch normalisation left
    out. Taught in chapter 6.3.
    """
    stack = [layers.Conv2D(f, 5, strides=2, padding="same", activation="leaky_relu") for f in (128, 256, 512, 1024)]
    return keras.Sequential([keras.Input((64, 64, 3)), *stack, layers.Flatten(), layers.Dense(1)], name="dcgan")
