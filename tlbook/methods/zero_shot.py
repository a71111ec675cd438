"""Label sentences: a classifier with no label, or with a few, from a sentence encoder and a sentence for each class."""

from dataclasses import dataclass, replace

import keras
import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp
from sklearn.model_selection import StratifiedKFold

from tlbook.heads import linear_probe

# Written down before any of them was tried: for each wording the sentences of the classes negative and positive.
WORDINGS = {
    "verdict": ("This is bad.", "This is good."),
    "product": ("The product is bad.", "The product is good."),
    "feeling": ("I hate it.", "I love it."),
    "advice": ("I do not recommend it.", "I recommend it."),
    "words": ("terrible, poor, useless", "excellent, great, perfect"),
    "buyer": ("The customer is disappointed.", "The customer is satisfied."),
}


def average(vectors):
    """Return one vector a class, float32 (classes, width) of length 1, from several wordings of its label sentence.

    `vectors` is (wordings, classes, width), each of length 1, as an encoder makes them. Raises `ValueError` for another
    shape. Source: Radford et al. (2021), section 3.1.4, for pictures. Taught in chapter 5.15.

    >>> average([[[1, 0], [0, 1]], [[0, 1], [0, 1]]]).round(2).tolist()
    [[0.7099999785423279, 0.7099999785423279], [0.0, 1.0]]
    """
    vectors = np.asarray(vectors, "float32")
    if vectors.ndim != 3 or not vectors.size:
        raise ValueError(f"vectors: got shape {vectors.shape}, expected (wordings, classes, width)")
    mean = vectors.mean(axis=0)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def cosines(vectors, prompts):
    """Return how near each sentence is to each label sentence, (n, classes): the class is the `argmax` of a row.

    `vectors` (n, width) and `prompts` (classes, width) have length 1. Raises `ValueError` where the widths differ.
    Source: Reimers and Gurevych (2019) for the cosine; Chang et al. (2008) for classes by their names. Taught in
    chapter 5.15.

    >>> cosines([[1, 0], [0.6, 0.8]], [[1, 0], [0, 1]]).tolist()
    [[1.0, 0.0], [0.6, 0.8]]
    """
    vectors, prompts = np.asarray(vectors), np.asarray(prompts)
    if vectors.ndim != 2 or prompts.ndim != 2 or vectors.shape[1] != prompts.shape[1]:
        raise ValueError(f"prompts: got shape {prompts.shape} for vectors {vectors.shape}, expected (classes, width)")
    return vectors @ prompts.T


def balanced(labels, each, seed):
    """Return the positions of `each` random examples of every class, an int array in random order.

    Raises `ValueError` for a class that has fewer. Taught in chapter 5.15.
    """
    labels, rng = np.asarray(labels), np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    if not 1 <= each <= counts.min():
        raise ValueError(f"each: got {each}, expected 1 to {counts.min()}, the examples of the rarest class")
    drawn = [rng.choice(np.flatnonzero(labels == label), each, replace=False) for label in classes]
    return rng.permutation(np.concatenate(drawn))


@dataclass(frozen=True, eq=False)
class PulledProbe:
    """A linear classifier that the label sentences hold: `weights` (width, classes), `bias` (classes,).

    `chosen` is its (scale, pull), and `validation_score` what chose it, or None. Taught in chapter 5.15.
    """

    weights: np.ndarray
    bias: np.ndarray
    chosen: tuple[float, float]
    validation_score: float | None = None

    def scores(self, vectors):
        """Return the logits, (n, classes)."""
        return np.asarray(vectors) @ self.weights + self.bias

    def predict(self, vectors):
        """Return the most probable class of each example, (n,)."""
        return self.scores(vectors).argmax(axis=1)


def pulled_probe(vectors, labels, prompts, scale, pull):
    """Fit a softmax regression whose weights are pulled towards the label sentences: return a `PulledProbe`.

    Parameters
    ----------
    vectors : numpy.ndarray
        Sentences, (n, width), of length 1.
    labels : numpy.ndarray
        Integers (n,), 0 to classes - 1.
    prompts : numpy.ndarray
        Label sentences, (classes, width), of length 1.
    scale : float
        How large the weights are that the pull leads to: scale x prompts. Above 0.
    pull : float
        How strong it is, above 0. A strong pull leaves the label sentences, with fitted thresholds; a weak one leaves
        an ordinary probe.

    Minimises `mean cross-entropy + pull / 2 * norm(weights - scale * prompts) ** 2`. The thresholds are free. Raises
    `ValueError` for shapes that do not fit and numbers that are not above 0. Taught in chapter 5.15.
    """
    vectors, labels, prompts = np.asarray(vectors, "float64"), np.asarray(labels), np.asarray(prompts, "float64")
    cosines(vectors, prompts)
    if (
        labels.shape != (len(vectors),)
        or labels.dtype.kind not in "iu"
        or not 0 <= labels.min() <= labels.max() < len(prompts)
    ):
        raise ValueError(f"labels: got {labels}, expected whole numbers 0..{len(prompts) - 1}, one for each vector")
    if not (scale > 0 and pull > 0):
        raise ValueError(f"scale, pull: got {scale} and {pull}, expected numbers above 0")
    start, hot = scale * prompts.T, np.eye(len(prompts))[labels]

    def loss(flat):
        weights, bias = flat[: start.size].reshape(start.shape), flat[start.size :]
        logits, away = vectors @ weights + bias, weights - start
        slope = (np.exp(log_softmax(logits, axis=1)) - hot) / len(vectors)
        value = np.mean(logsumexp(logits, axis=1) - (logits * hot).sum(axis=1)) + pull / 2 * (away**2).sum()
        return value, np.concatenate([(vectors.T @ slope + pull * away).ravel(), slope.sum(axis=0)])

    first = np.concatenate([start.ravel(), np.zeros(len(prompts))])
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return PulledProbe(found[: start.size].reshape(start.shape), found[start.size :], (scale, pull))


def pulled_by_folds(vectors, labels, prompts, grid, folds=5):
    """Return the `pulled_probe` whose `(scale, pull)` serves best in cross-validation among the same labels.

    `grid` is a sequence of such pairs; the strongest pull wins a tie, since it trusts few labels least. Raises
    `ValueError` for no grid, a class with one example, and as `pulled_probe` does. Taught in chapter 5.15.
    """
    vectors, labels = np.asarray(vectors), np.asarray(labels)
    rarest = np.unique(labels, return_counts=True)[1].min()
    if not len(grid) or rarest < 2:
        raise ValueError(f"grid, labels: got {len(grid)} settings, {rarest} examples of a class, expected 1 and 2")
    parts = list(StratifiedKFold(min(folds, rarest), shuffle=True, random_state=0).split(labels, labels))

    def score(setting):
        fitted = ((pulled_probe(vectors[learn], labels[learn], prompts, *setting), judge) for learn, judge in parts)
        return float(np.mean([np.mean(probe.predict(vectors[judge]) == labels[judge]) for probe, judge in fitted]))

    scores = {setting: score(setting) for setting in sorted(grid, key=lambda pair: -pair[1])}
    best = max(scores, key=scores.get)
    return replace(pulled_probe(vectors, labels, prompts, *best), validation_score=scores[best])


def pairs_loss(hot, vectors):
    """Return how wrong the cosines of all pairs of a batch are, one number: 1 is wanted for one class, 0 for two.

    `hot` is (n, classes), one-hot labels, and `vectors` (n, width), of length 1. A sentence makes no pair with itself.
    Taught in chapter 5.15.
    """
    hot = keras.ops.cast(hot, vectors.dtype)
    wrong = keras.ops.square(vectors @ keras.ops.transpose(vectors) - hot @ keras.ops.transpose(hot))
    others = 1 - keras.ops.eye(keras.ops.shape(vectors)[0], dtype=vectors.dtype)
    return keras.ops.sum(wrong * others) / keras.ops.sum(others)


def tune_on_pairs(body, inputs, labels, rate, steps, seed, batch_size=16):
    """Train a body so that sentences of one class come together and those of two part; return the loss of each step.

    Parameters
    ----------
    body : keras.Model
        Sentences to vectors of length 1, as `tlbook.methods.adapters.sentence_body` returns it. What of it is
        trainable learns. It is changed in place, and must have been compiled with the loss `pairs_loss`.
    inputs : list of numpy.ndarray
        What the body reads, each (n, ...).
    labels : numpy.ndarray
        Integers (n,).
    rate : float
        The learning rate, which falls to zero in a straight line.
    steps, seed, batch_size : int
        Steps, each on all pairs of `batch_size` sentences; and the seed of their order.

    SetFit draws pairs and reads each sentence of a pair; here each sentence of a batch is read once, and all pairs of
    the batch count. Raises `ValueError` for no steps, or fewer than two sentences in all or in a batch. Source:
    Tunstall et al. (2022), section 3. Taught in chapter 5.15.
    """
    labels = np.asarray(labels)
    if steps < 1 or len(labels) < 2 or batch_size < 2:
        raise ValueError(
            f"steps, labels, batch_size: got {steps} steps, {len(labels)} sentences, {batch_size} a batch, "
            "expected 1, 2 and 2 or more"
        )
    rng, hot, queue, losses = np.random.default_rng(seed), np.eye(labels.max() + 1, dtype="float32")[labels], [], []
    for step in range(steps):
        if len(queue) < min(batch_size, len(labels)):
            queue = list(rng.permutation(len(labels)))
        batch, queue = queue[:batch_size], queue[batch_size:]
        body.optimizer.learning_rate = rate * (1 - step / steps)
        losses.append(float(body.train_on_batch([array[batch] for array in inputs], hot[batch])))
    return losses


def head(vectors, labels, C=1.0):
    """Return the head that SetFit puts on tuned vectors: a `tlbook.heads.Probe` with scikit-learn's own C of 1.

    It cannot be chosen on the same labels: they have been pulled apart. Taught in chapter 5.15.
    """
    return linear_probe(vectors, labels, C)
