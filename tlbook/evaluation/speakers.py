"""Who speaks, after one recording each."""

import numpy as np


def one_shot(vectors, speakers, draws, rng):
    """Identify speakers after one recording each: return the accuracy of each draw, float64 (draws,).

    Parameters
    ----------
    vectors : numpy.ndarray
        float (n, units), one a recording.
    speakers : numpy.ndarray
        Integers (n,): who speaks. At least two speakers, each with two recordings or more.
    draws : int
        How often other recordings are enrolled.
    rng : numpy.random.Generator
        Draws them.

    A draw enrols one random recording of each speaker. Every other recording goes to the speaker whose enrolled vector
    has the largest cosine with its own. Raises `ValueError` for anything else. Taught in chapter 5.9.
    """
    vectors, speakers = np.asarray(vectors), np.asarray(speakers)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not np.isfinite(vectors).all():
        raise ValueError(f"vectors: got {vectors.dtype} {vectors.shape}, expected finite floats (n, units)")
    names, counts = np.unique(speakers, return_counts=True)
    if speakers.shape != (len(vectors),) or len(names) < 2 or counts.min() < 2:
        raise ValueError(f"speakers: got shape {speakers.shape}, expected ({len(vectors)},), 2 recordings each or more")
    if draws < 1:
        raise ValueError(f"draws: got {draws}, expected 1 or more")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.maximum(lengths, np.finfo(vectors.dtype).tiny)
    accuracies = []
    for _ in range(draws):
        enrolled = np.array([rng.choice(np.flatnonzero(speakers == name)) for name in names])
        others = np.setdiff1d(np.arange(len(vectors)), enrolled)
        nearest = names[(units[others] @ units[enrolled].T).argmax(axis=1)]
        accuracies.append(np.mean(nearest == speakers[others]))
    return np.array(accuracies)
