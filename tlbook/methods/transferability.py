"""Transferability scores: guesses at how well a pretrained body will serve a task, made without training on the task.

Each takes what a frozen body says of labelled examples of the target, and returns one number: the larger, the better
the body is said to be. `logme` and `h_score` read features. `leep` and `nce` read the answers of the head that the body
was pretrained with, and so ask for one. Taught in chapter 8.2.
"""

import numpy as np
from scipy import optimize
from sklearn.covariance import ledoit_wolf_shrinkage

_LOG_RATIOS = np.linspace(np.log(1e-10), np.log(1e10), 401)  # of prior to noise precision, in mean squared features


def logme(features, labels):
    """Return LogME, the logarithm of the maximum evidence of a linear model, a label's share of it.

    For each class, its 0/1 labels are taken for a linear function of the features plus noise. The evidence is the
    density of the labels after averaging over all weights; the spreads of weights and noise are those that maximise it.
    The mean is over classes. It is the density of numbers, not a probability: it may be positive.

    Parameters
    ----------
    features : numpy.ndarray
        Finite floats (n, width), as they are: neither centred nor scaled.
    labels : numpy.ndarray
        Integers (n,), two classes or more.

    The authors find the two spreads by fixed-point steps. Given their ratio, one follows in closed form; this function
    searches the ratio alone, on a grid and then around its best point, and so cannot stop too early. Where fewer
    features than examples fit the labels exactly, the evidence has no bound, and the end of the grid is returned.

    Raises `ValueError` for anything else. Source: You et al. (2021). Taught in chapter 8.2.

    >>> labels = np.array([0, 0, 0, 1, 1, 1])
    >>> tells, does_not = np.c_[labels, 1 - labels], np.array([[1.0], [2.0], [3.0], [1.0], [2.0], [3.0]])
    >>> logme(tells, labels) > logme(does_not, labels)
    True
    """
    features, labels = _checked(features, labels)
    left, lengths, _ = np.linalg.svd(features, full_matrices=False)
    squares = lengths**2
    scale = squares.sum() / features.size or 1.0  # so that the grid suits features of any size
    evidences = [_log_evidence(left, squares, (labels == one).astype("float64"), scale) for one in np.unique(labels)]
    return float(np.mean(evidences) / len(features))


def _log_evidence(left, squares, target, scale):
    """Return the largest log evidence of one target, from the singular value decomposition of the features."""
    n, along = len(target), left.T @ target
    beyond = np.square(target - left @ along).sum()  # what no weights can explain

    def negative(log_ratios):
        ratios = scale * np.exp(np.atleast_1d(log_ratios))[:, np.newaxis]
        errors = beyond + (ratios / (squares + ratios)) @ along**2  # the least penalised squared error
        return n / 2 * np.log(2 * np.pi * np.e * errors / n) + np.log1p(squares / ratios).sum(axis=1) / 2

    coarse = negative(_LOG_RATIOS)
    best = int(coarse.argmin())
    around = _LOG_RATIOS[[max(best - 1, 0), min(best + 1, len(_LOG_RATIOS) - 1)]]
    fine = optimize.minimize_scalar(lambda x: negative(x)[0], bounds=around, method="bounded", options={"xatol": 1e-9})
    return -min(coarse[best], fine.fun)


def h_score(features, labels, shrink=True):
    """Return the H-score: how much of the spread of the features lies between the classes.

    It is the trace of the inverse of the features' covariance times the covariance of the class means.

    Parameters
    ----------
    features, labels : numpy.ndarray
        As in `logme`.
    shrink : bool
        Estimate the covariance as Ledoit and Wolf do, a mixture of what the examples say and a multiple of the
        identity, and weigh the class means by the first one's share, as Ibrahim et al. do. Otherwise it is the score
        as first published, which says nothing where there are no more examples than features.

    Raises `ValueError` as `logme` does. Sources: Bao et al. (2019); with `shrink`, Ibrahim et al. (2021). Taught in
    chapter 8.2.
    """
    features, labels = _checked(features, labels)
    n, width = features.shape
    centred = features - features.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    variances = lengths**2 / n
    shrinkage = ledoit_wolf_shrinkage(centred, assume_centered=True) if shrink else 0.0
    mixed = (1 - shrinkage) * variances + shrinkage * variances.sum() / width
    kept = variances > variances.max() * n * width * np.finfo("float64").eps  # elsewhere no class mean differs
    score = 0.0
    for one in np.unique(labels):
        mine = labels == one
        along = directions[kept] @ centred[mine].mean(axis=0)
        score += mine.mean() * (along**2 / mixed[kept]).sum()
    return float((1 - shrinkage) * score)


def leep(probabilities, labels):
    """Return LEEP, the log expected empirical prediction: the mean log likelihood of a classifier that is not trained.

    The classifier lets the pretrained head name one of its own classes and then draws a class of the target, with the
    frequencies that go with that name.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Floats (n, source classes): what the pretrained head says of each example of the target. Rows sum to one.
    labels : numpy.ndarray
        Integers (n,), the classes of the target, two or more.

    Returns a number of 0 or less. Raises `ValueError` for anything else. Source: Nguyen et al. (2020). Taught in
    chapter 8.2.
    """
    probabilities, labels = _checked(probabilities, labels, "probabilities")
    if probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise ValueError("probabilities: got rows that do not sum to one, expected what a softmax returns")
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    classes, numbers = np.unique(labels, return_inverse=True)
    joint = np.eye(len(classes))[numbers].T @ probabilities / len(labels)  # (target classes, source classes)
    named = joint.sum(axis=0)
    given = np.divide(joint, named, out=np.zeros_like(joint), where=named > 0)
    return float(np.log((given[numbers] * probabilities).sum(axis=1)).mean())


def nce(source_labels, labels):
    """Return NCE, the negative conditional entropy of the target's classes, given one source class for each example.

    Parameters
    ----------
    source_labels : numpy.ndarray
        Integers (n,): the class of the source that each example has, or that the pretrained head finds most probable.
    labels : numpy.ndarray
        Integers (n,): the class of the target.

    Returns a number of 0 or less, in nats: 0 where the source class tells the target class. Raises `ValueError` for
    lengths that differ or none. Source: Tran et al. (2019). Taught in chapter 8.2.

    >>> nce([7, 7, 3, 3], [0, 0, 1, 1]), round(nce([7, 7, 7, 7], [0, 0, 1, 1]), 3)
    (0.0, -0.693)
    """
    source_labels, labels = np.asarray(source_labels), np.asarray(labels)
    if labels.ndim != 1 or source_labels.shape != labels.shape or not len(labels):
        raise ValueError(f"source_labels: got shape {source_labels.shape}, expected that of labels, {labels.shape}")
    (_, source), (_, target) = (np.unique(each, return_inverse=True) for each in (source_labels, labels))
    counts = np.zeros((source.max() + 1, target.max() + 1))
    np.add.at(counts, (source, target), 1)
    given = counts / counts.sum(axis=1, keepdims=True)
    return float(np.log(given[source, target]).mean()) + 0.0  # no minus zero


def _checked(features, labels, name="features"):
    """Return both as float64 (n, width) and integers (n,)."""
    features, labels = np.asarray(features), np.asarray(labels)
    if features.ndim != 2 or 0 in features.shape or features.dtype.kind not in "fiu":
        raise ValueError(f"{name}: got {features.dtype} {features.shape}, expected numbers (n, width)")
    features = features.astype("float64")
    if not np.isfinite(features).all():
        raise ValueError(f"{name}: got numbers that are not finite (NaN or infinity)")
    if labels.shape != features.shape[:1] or labels.dtype.kind not in "iu" or len(np.unique(labels)) < 2:
        raise ValueError(
            f"labels: got {labels.dtype} {labels.shape}, expected integers ({len(features)},) of two classes or more"
        )
    return features, labels
