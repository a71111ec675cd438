"""Heads: the small classifiers that stand on a backbone's features."""

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits


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
        For no strengths, features that are not finite, or fewer than two classes (scikit-learn says which).

    Source: Alain and Bengio (2017). Taught in chapter 4.2.
    """
    if not len(strengths):
        raise ValueError("strengths: got none, expected one or more values of C")
    best = None
    for strength in sorted(strengths):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3))
        # The solver's many small products gain nothing from threads, which wait for each other by spinning.
        with threadpool_limits(1, user_api="blas"):
            probe.fit(_flat(train[0]), train[1])
        probe.strength = strength
        probe.validation_accuracy = probe.score(_flat(validation[0]), validation[1])
        if best is None or probe.validation_accuracy > best.validation_accuracy:
            best = probe
    return best


def classifier(backbone, classes, dropout=0.0, name="classifier"):
    """Return `backbone` with a linear head: flatten, standardise, dropout, and a dense layer `logits` without softmax.

    Output (n, classes) float32 logits. The layer `standardise` passes features on unchanged until `start_from_probe`
    gives it their mean and variance. Taught in chapters 2 and 4.3.
    """
    x = keras.layers.Flatten(name="flatten")(backbone.output)
    x = keras.layers.Normalization(name="standardise")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(backbone.input, keras.layers.Dense(classes, name="logits")(x), name=name)


def start_from_probe(model, probe):
    """Give the head of a `classifier` the mean, variance and weights of a linear probe fitted on the same features.

    The model then predicts what the probe predicts: fine-tuning starts where linear probing ended, and its first
    gradients are those of a head that already makes sense. Raises `ValueError` where the sizes differ.
    Source: Kumar et al. (2022). Taught in chapter 4.3.
    """
    scaler, regression = probe[0], probe[-1]
    layer = model.get_layer("logits")
    kernel, bias = regression.coef_.T, regression.intercept_
    if kernel.shape[1] == 1:  # of two classes scikit-learn keeps the difference of the logits
        kernel, bias = kernel * [-0.5, 0.5], bias * [-0.5, 0.5]
    if layer.kernel.shape != kernel.shape:
        raise ValueError(f"probe: got weights {kernel.shape}, expected {tuple(layer.kernel.shape)}")
    standardise = model.get_layer("standardise")
    standardise.set_weights([scaler.mean_, scaler.scale_**2, np.array(1)])  # mean, variance, how often adapted
    standardise.finalize_state()
    layer.set_weights([kernel, bias])


def _flat(features):
    return np.asarray(features).reshape(len(features), -1).astype("float32")
