"""Heads: the small classifiers that stand on a backbone's features."""

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def linear_probe(train, validation, strengths=(1e-4, 1e-3, 1e-2, 1e-1)):
    """Fit a logistic regression on frozen features; the validation set chooses how strongly it is held back.

    Parameters
    ----------
    train, validation : tuple of numpy.ndarray
        (features (n, ...), integer labels (n,)). Features are flattened and standardised.
    strengths : sequence of float
        Values of scikit-learn's `C` to try, the inverse strength of the L2 penalty.

    Returns
    -------
    sklearn.pipeline.Pipeline
        With `probe.validation_accuracy` and `probe.strength`, those of the best `C` (the smallest at a tie).

    Raises
    ------
    ValueError
        For features that are not finite, or fewer than two classes (scikit-learn says which).

    Source: Alain and Bengio (2017). Taught in chapter 4.2.
    """
    best = None
    for strength in sorted(strengths):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3))
        probe.fit(_flat(train[0]), train[1])
        probe.strength = strength
        probe.validation_accuracy = probe.score(_flat(validation[0]), validation[1])
        if best is None or probe.validation_accuracy > best.validation_accuracy:
            best = probe
    return best


def classifier(backbone, classes, dropout=0.0, name="classifier"):
    """Return `backbone` with a linear head: flatten, dropout, and a dense layer `logits` without softmax.

    Output (n, classes) float32 logits. Taught in chapters 2 and 4.3.
    """
    x = keras.layers.Flatten(name="flatten")(backbone.output)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(backbone.input, keras.layers.Dense(classes, name="logits")(x), name=name)


def start_from_probe(model, probe):
    """Give the dense layer `logits` of `model` the weights of a linear probe fitted on the same, flattened features.

    The model then predicts what the probe predicts: fine-tuning starts where linear probing ended, and its first
    gradients are those of a head that already makes sense. Raises `ValueError` where the sizes differ.
    Source: Kumar et al. (2022). Taught in chapter 4.3.
    """
    scaler, regression = probe[0], probe[-1]
    kernel = (regression.coef_ / scaler.scale_).T  # the standardisation, folded into the weights
    bias = regression.intercept_ - scaler.mean_ @ kernel
    layer = model.get_layer("logits")
    if layer.kernel.shape != kernel.shape:
        raise ValueError(f"probe: got weights of shape {kernel.shape}, expected {tuple(layer.kernel.shape)}")
    layer.set_weights([kernel, bias])


def _flat(features):
    return np.asarray(features).reshape(len(features), -1).astype("float32")
