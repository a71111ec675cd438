"""Shuffled weights: a body with the sizes that training gave its numbers, and nothing of what it learned."""

import numpy as np


def shuffle(model, weights, seed):
    """Give a Keras model these weights in a random order, array by array; return the model."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.permutation(array.ravel()).reshape(array.shape) for array in weights])
    return model
