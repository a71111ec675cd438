"""Heads: the small classifiers that stand on a backbone's features."""

from dataclasses import dataclass, replace

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted linear classifier: `pipeline` as scikit-learn knows it, its `C`, and the `validation_score` of that C.

    All methods take features of the shape that it was fitted on. `validation_score` is None where nothing was chosen.
    Taught in chapter 4.2.
    """

    pipeline: Pipeline
    C: float
    validation_score: float | None = None

    def predict(self, features):
        """Return the most probable class of each example, (n,)."""
        return self.pipeline.predict(features)

    def predict_proba(self, features):
        """Return the probability of each class, (n, classes)."""
        return self.pipeline.predict_proba(features)

    def scores(self, features):
        """Return the logits: (n, classes), or of two classes the difference, (n,)."""
        return self.pipeline.decision_function(features)

    def score(self, features, labels):
        """Return the accuracy, 0..1."""
        return self.pipeline.score(features, labels)


def regression(C):
    """Return an unfitted logistic regression on features (n, ...), which it flattens and standardises.

    `C` is scikit-learn's: the inverse strength of the L2 penalty. Taught in chapter 4.2.
    """
    return make_pipeline(FunctionTransformer(_flat), StandardScaler(), LogisticRegression(C=C, max_iter=300, tol=1e-3))


def linear_probe(features, labels, C, make=regression):
    """Fit one classifier, as a rule a logistic regression, on frozen features, and return a `Probe`.

    Parameters
    ----------
    features : numpy.ndarray
        (n, ...); or whatever the pipeline of `make` takes, such as a sparse matrix, or texts.
    labels : numpy.ndarray
        (n,).
    C : float
        The inverse strength of the penalty: a small one holds the weights back.
    make : callable
        Turns C into an unfitted scikit-learn estimator.

    Raises `ValueError` for features that are not finite, or fewer than two classes (scikit-learn says which).
    Source: Alain and Bengio (2017). Taught in chapter 4.2.

    >>> probe = linear_probe(np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1], C=1.0)
    >>> probe.predict(np.array([[0.5], [9.0]]))
    array([0, 1])
    """
    pipeline = make(C)
    # The solver's many small products gain nothing from threads, which wait for each other by spinning.
    with threadpool_limits(1, user_api="blas"):
        pipeline.fit(features, labels)
    return Probe(pipeline, C)


def best_probe(train, validation, C=(1e-4, 1e-3, 1e-2, 1e-1), score=Probe.score, make=regression):
    """Fit one `linear_probe` for each of several C and return the one that serves the validation set best.

    Parameters
    ----------
    train, validation : tuple
        (features, labels), as `linear_probe` takes them.
    C : sequence of float
        What to try; the smallest wins a tie.
    score : callable
        Judges `(probe, features, labels)` of the validation set; the largest number wins. By default the accuracy.
    make : callable
        As in `linear_probe`.

    Raises `ValueError` for no C, a score that is NaN, and as `linear_probe` does. Taught in chapter 4.2.

    >>> train = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1]
    >>> probe = best_probe(train, (np.array([[-1.0], [4.0]]), [0, 1]), C=(0.1, 1.0))
    >>> probe.C, probe.validation_score
    (0.1, 1.0)
    """
    if not len(C):
        raise ValueError("C: got none, expected one or more values")
    probes = (linear_probe(*train, each, make) for each in sorted(C))
    scored = [replace(probe, validation_score=float(score(probe, *validation))) for probe in probes]
    if unknown := [probe.C for probe in scored if np.isnan(probe.validation_score)]:
        raise ValueError(f"score: got NaN for C = {unknown}, expected a number that can be compared")
    return max(scored, key=lambda probe: probe.validation_score)


def probe_by_folds(features, labels, C=(1e-4, 1e-3, 1e-2, 1e-1), folds=5, make=regression):
    """Return the `linear_probe` whose C serves best in cross-validation among the same labels: no others are needed.

    Parameters
    ----------
    features, labels, make
        As `linear_probe` takes them; `features` is an array.
    C : sequence of float
        What to try; the smallest wins a tie.
    folds : int
        Parts, stratified. Where a class has fewer examples, there are as many folds as it has.

    The `validation_score` of the probe is the mean accuracy of its C over the folds. It was fitted on all examples.
    Raises `ValueError` for no C, fewer than two folds, or a class with one example. Taught in chapters 1 and 8.2.
    """
    if not len(C):
        raise ValueError("C: got none, expected one or more values")
    features, labels = np.asarray(features), np.asarray(labels)
    rarest = int(np.unique(labels, return_counts=True)[1].min())
    if min(folds, rarest) < 2:
        raise ValueError(f"folds: got {folds}, and {rarest} example of a class, expected 2 or more of both")
    cut = StratifiedKFold(min(folds, rarest), shuffle=True, random_state=0)
    parts = list(cut.split(labels, labels))

    def score(each):
        fitted = ((linear_probe(features[learn], labels[learn], each, make), judge) for learn, judge in parts)
        return float(np.mean([probe.score(features[judge], labels[judge]) for probe, judge in fitted]))

    scores = {each: score(each) for each in sorted(C)}
    best = max(scores, key=scores.get)
    return replace(linear_probe(features, labels, best, make), validation_score=scores[best])


def classifier(backbone, classes, dropout=0.0, name="classifier"):
    """Return `backbone` with a linear head: flatten, standardise, dropout, and a dense layer `logits` without softmax.

    Output (n, classes) float32 logits. The layer `standardise` passes features on unchanged until `start_from_probe`
    or `standardise` gives it their mean and variance; `tlbook.training.fit` warns where features of another scale are
    trained on without. Taught in chapters 2 and 4.3.
    """
    x = keras.layers.Flatten(name="flatten")(backbone.output)
    x = keras.layers.Normalization(name="standardise")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(backbone.input, keras.layers.Dense(classes, name="logits")(x), name=name)


def standardise(model, features):
    """Give the layer `standardise` of a `classifier` the mean and variance of features (n, ...), and leave its head.

    A feature that never varies keeps its scale, as in scikit-learn: divided by nearly nothing, the first picture in
    which it does vary would outweigh all others. Raises `ValueError` where the sizes differ. Taught in chapter 4.3.
    """
    flat = _flat(features)
    size = model.get_layer("logits").kernel.shape[0]
    if flat.shape[1] != size:
        raise ValueError(f"features: got {flat.shape[1]} numbers an example, expected {size}")
    scaler = StandardScaler().fit(flat)
    _measured(model, scaler.mean_, scaler.scale_**2)


def features_left_raw(model, batch, limit=10.0):
    """Return the root mean square of the features of `batch` where a `classifier` takes them as they are, or None.

    None where the model has no layer `standardise`, where that layer was given a mean and variance, and where the
    features stay within `limit`: those of a network with normalisation are of size one. Taught in chapter 4.3.
    """
    layers = {layer.name: layer for layer in model.layers}
    layer = layers.get("standardise")
    if layer is None:
        return None
    mean, variance, _ = layer.get_weights()
    if np.any(mean) or not np.allclose(variance, 1):
        return None
    found = keras.Model(model.input, layer.input)(batch, training=False)
    size = float(keras.ops.sqrt(keras.ops.mean(keras.ops.square(found))))
    return size if size > limit else None


def _measured(model, mean, variance):
    layer = model.get_layer("standardise")
    layer.set_weights([mean, variance, np.array(1)])  # how often adapted
    layer.finalize_state()


def start_from_probe(model, probe):
    """Give the head of a `classifier` the mean, variance and weights of a `Probe` fitted on the same features.

    The model then predicts what the probe predicts: fine-tuning starts where linear probing ended, and its first
    gradients are those of a head that already makes sense. Raises `ValueError` where the sizes differ.
    Source: Kumar et al. (2022). Taught in chapter 4.3.
    """
    scaler, logistic = probe.pipeline[-2], probe.pipeline[-1]
    layer = model.get_layer("logits")
    kernel, bias = logistic.coef_.T, logistic.intercept_
    if kernel.shape[1] == 1:  # of two classes scikit-learn keeps the difference of the logits
        kernel, bias = kernel * [-0.5, 0.5], bias * [-0.5, 0.5]
    if layer.kernel.shape != kernel.shape:
        raise ValueError(f"probe: got weights {kernel.shape}, expected {tuple(layer.kernel.shape)}")
    _measured(model, scaler.mean_, scaler.scale_**2)
    layer.set_weights([kernel, bias])


def _flat(features):
    return np.asarray(features).reshape(len(features), -1).astype("float32")
