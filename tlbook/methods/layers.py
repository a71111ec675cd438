"""Layers: what each layer of a frozen network carries to another task, read at one size and under one probe."""

import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tlbook import features


def pooled(model, names, places=2):
    """Return a network that gives several layers of `model` at once, each as the means over `places` x `places` parts.

    Parameters
    ----------
    model : keras.Model
        Its layers `names` put out maps (n, height, width, channels).
    names : sequence of str
        From the input to the output.
    places : int
        Parts of a side. A map that has fewer places keeps them.

    Its outputs are a list of float32 (n, up to places x places x channels). The weights are shared with `model`. Raises
    `ValueError` for a layer that is not there or puts out no map. Taught in chapter 3.7.
    """
    outputs = []
    known = {layer.name: layer for layer in model.layers}
    for name in names:
        shape = known[name].output.shape if name in known else None
        if shape is None or len(shape) != 4:
            raise ValueError(f"names: got {name!r} of shape {shape}, expected layers that put out maps")
        window = tuple(-(-side // places) for side in shape[1:3])
        # "same": the last part may be smaller, and its mean is over the places that it has.
        x = keras.layers.AveragePooling2D(window, padding="same")(known[name].output)
        outputs.append(keras.layers.Flatten()(x))
    return keras.Model(model.input, outputs, name="layers")


def read(network, inputs, batch_size=250):
    """Return what each output of a network says of `inputs`: a list of float32 (n, numbers), in the network's order.

    `network` gives a list of arrays (batch, numbers), as that of `pooled` does. Raises `ValueError` for no inputs.
    Taught in chapter 3.7.
    """
    widths = []

    def together(batch, training):
        outputs = network(batch, training=training)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]  # Keras unwraps a list of one
        widths[:] = [output.shape[-1] for output in outputs]
        return keras.ops.concatenate(outputs, axis=-1)

    found = features.forward(together, inputs, batch_size)
    return np.split(found, np.cumsum(widths)[:-1], axis=1)


def matched(size):
    """Return the function from C to an unfitted probe that reads `size` numbers, however many a layer has.

    It standardises, keeps the `size` main axes of the examples that it is fitted on (PCA), and ends in a logistic
    regression. All of it is fitted together: with `tlbook.heads.probe_by_folds` the axes of a fold are those of its
    own training part. A layer with fewer numbers, or a fold with fewer examples, keeps what it has. Raises `ValueError`
    for a size below 1. Taught in chapter 3.7.

    >>> from tlbook import heads
    >>> wide = np.random.default_rng(0).normal(size=(20, 300))
    >>> heads.linear_probe(wide, [0, 1] * 10, C=1.0, make=matched(5)).pipeline[-1].coef_.shape
    (1, 5)
    """
    if size < 1:
        raise ValueError(f"size: got {size}, expected 1 or more")

    def make(C):
        flat = FunctionTransformer(_flat)
        return make_pipeline(flat, StandardScaler(), _Axes(size), LogisticRegression(C=C, max_iter=300, tol=1e-3))

    return make


class _Axes(PCA):
    """Principal axes: `size` of them, or as many as the examples have."""

    def __init__(self, size):
        self.size = size
        super().__init__(svd_solver="full")

    def fit_transform(self, X, y=None):
        self.n_components = min(self.size, *np.shape(X))
        return super().fit_transform(X, y)


def redrawn(model, seed):
    """Draw every weight array of a model anew, in place, from the normal with the mean and deviation that it has.

    The control that keeps the size of the numbers of each array and nothing that was learned beyond it. What is not
    trained, such as the running means of batch normalisation, stays: measure it again afterwards. Taught in chapter
    3.7.
    """
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        array = keras.ops.convert_to_numpy(variable)
        variable.assign(rng.normal(array.mean(), array.std(), array.shape).astype("float32"))


def _flat(values):
    return np.asarray(values, "float32").reshape(len(values), -1)
