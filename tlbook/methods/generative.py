"""Learning from pictures without labels: a small body, a decoder, and the two autoencoders that train them.

Plain Keras 3, so the same code runs on TensorFlow, PyTorch and JAX. Taught in chapter 3.5.
"""

import keras
import numpy as np

SIDE, CODE = 16, 32  # pixels of a side, and entries of a code


def small(images):
    """Average 2 x 2 pixels of uint8 pictures (n, 32, 32, 3), and scale: float32 (n, 16, 16, 3), -1..1.

    Raises `ValueError` for another shape. Taught in chapter 3.5.
    """
    if np.shape(images)[1:] != (2 * SIDE, 2 * SIDE, 3):
        raise ValueError(f"images: got shape {np.shape(images)}, expected (n, {2 * SIDE}, {2 * SIDE}, 3)")
    blocks = np.reshape(images, (len(images), SIDE, 2, SIDE, 2, 3))
    return (blocks.mean((2, 4)) / 127.5 - 1).astype("float32")


def pixels(pictures):
    """Return pictures of -1..1 as uint8, to look at; what lies outside is cut off. The way back from `small`."""
    return np.clip(np.rint((np.asarray(pictures) + 1) * 127.5), 0, 255).astype("uint8")


def squared_error(originals, copies):
    """Return the squared error of a picture, summed over its numbers, mean over pictures; arrays (n, ...)."""
    differences = np.asarray(originals) - np.asarray(copies)
    return float(np.sum(differences**2) / len(differences))


def normalised(x):
    """Batch normalisation, then ReLU. The momentum is 0.9 for the reason that `tlbook.backbones.small_cnn` gives."""
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))


def body():
    """Return a new body: three convolutions from a picture (n, 16, 16, 3), -1..1, to features (n, 4, 4, 96).

    Autoencoder, VAE, discriminator and classifier share it, so that none has a better architecture than the others.
    Taught in chapter 3.5.
    """
    inputs = x = keras.Input((SIDE, SIDE, 3))
    for channels, stride in [(32, 2), (64, 2), (96, 1)]:
        x = normalised(keras.layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x))
    return keras.Model(inputs, x, name="body")


def with_head(body, outputs):
    """Return a model that ends in a dense layer, called "head", on the flattened features of a body: (n, outputs).

    It shares the body's weights: to train it trains the body. Taught in chapter 3.5.
    """
    features = keras.layers.Flatten()(body.output)
    return keras.Model(body.input, keras.layers.Dense(outputs, name="head")(features))


def decoder():
    """Return a new decoder: from a code (n, 32) to a picture (n, 16, 16, 3), -1..1. It also serves as a generator.

    Taught in chapter 3.5.
    """
    inputs = keras.Input((CODE,))
    x = normalised(keras.layers.Dense(4 * 4 * 64, use_bias=False)(inputs))
    x = keras.layers.Reshape((4, 4, 64))(x)
    x = normalised(keras.layers.Conv2DTranspose(32, 4, strides=2, padding="same", use_bias=False)(x))
    x = keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(x)
    return keras.Model(inputs, x, name="decoder")


def kl_to_prior(mean, log_variance):
    """Return the divergence of N(mean, variance) from N(0, 1) in nats, summed over the last axis.

    Source: Kingma and Welling (2014), appendix B. Taught in chapter 3.5.
    """
    return 0.5 * keras.ops.sum(mean**2 + keras.ops.exp(log_variance) - 1 - log_variance, axis=-1)


class Draw(keras.layers.Layer):
    """Draw a code (n, k) from means and logarithms of variances, (n, 2 k), so that gradients pass through.

    Adds the divergence from the prior to the loss, mean over the batch. Source: Kingma and Welling (2014). Taught in
    chapter 3.5.
    """

    def __init__(self, **options):
        """Take a stream of random numbers; `keras.utils.set_random_seed` seeds it."""
        super().__init__(**options)
        self.seeds = keras.random.SeedGenerator()

    def call(self, numbers):
        """Return mean + standard deviation x noise."""
        mean, log_variance = keras.ops.split(numbers, 2, axis=-1)
        self.add_loss(keras.ops.mean(kl_to_prior(mean, log_variance)))
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
        return mean + keras.ops.exp(log_variance / 2) * noise


def train_autoencoder(body, pictures, epochs, learning_rate=2e-3):
    """Train a body, in place, as the lower part of an autoencoder, and return `(encoder, decoder)`.

    `pictures` is float32 (n, 16, 16, 3); the encoder gives codes (n, 32). Source: Hinton and Salakhutdinov (2006).
    Taught in chapter 3.5.
    """
    encoder, back = with_head(body, CODE), decoder()
    _train(keras.Model(encoder.input, back(encoder.output)), "mse", pictures, epochs, learning_rate)
    return encoder, back


def train_vae(body, pictures, epochs, noise=0.2, learning_rate=2e-3):
    """Train a body, in place, as the lower part of a VAE, and return `(encoder, decoder)`.

    `pictures` is float32 (n, 16, 16, 3); the encoder gives (n, 64): means, then logarithms of variances. `noise` is
    the standard deviation of a pixel about the decoder's picture. Source: Kingma and Welling (2014). Taught in
    chapter 3.5.
    """
    encoder, back = with_head(body, 2 * CODE), decoder()

    def copying(originals, copies):
        return keras.ops.sum((originals - copies) ** 2, axis=(1, 2, 3)) / (2 * noise**2)

    _train(keras.Model(encoder.input, back(Draw()(encoder.output))), copying, pictures, epochs, learning_rate)
    return encoder, back


def _train(model, loss, pictures, epochs, learning_rate):
    # On TensorFlow, to compile a network so small takes longer than to train it.
    compiled = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.Adam(learning_rate), loss=loss, jit_compile=compiled)
    model.fit(pictures, pictures, batch_size=64, epochs=epochs, verbose=0)
