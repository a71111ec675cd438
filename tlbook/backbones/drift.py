"""Drift: how far each layer of a model lies from where it began."""

import numpy as np
import pandas as pd


def distances(before, after):
    """Return how far each layer moved: a DataFrame with a row for each layer of `before`.

    Parameters
    ----------
    before, after : dict of str to (kernel, bias)
        Arrays of equal shapes; `after` may hold more layers.

    Returns
    -------
    pandas.DataFrame
        `layer`; `relative`, the length of the kernel's change over the length of the kernel, 0 where nothing moved;
        `cosine` of the angle between the kernels, 1 where nothing moved; `bias`, as `relative`, of the bias.

    Raises `ValueError` for a missing layer, another shape or numbers that are not finite. Taught in chapter 5.11.

    >>> before, after = {"dense": ([[3.0, 4.0]], [1.0])}, {"dense": ([[3.0, 5.0]], [1.0])}
    >>> distances(before, after).round(3).to_dict("records")
    [{'layer': 'dense', 'relative': 0.2, 'cosine': 0.995, 'bias': 0.0}]
    """
    rows = []
    for layer in before:
        (kernel, bias), (new_kernel, new_bias) = _pairs(before, after, layer)
        lengths = np.linalg.norm(kernel) * np.linalg.norm(new_kernel)
        cosine = np.vdot(kernel, new_kernel) / lengths if lengths else np.nan
        rows.append((layer, _relative(kernel, new_kernel), cosine, _relative(bias, new_bias)))
    return pd.DataFrame(rows, columns=["layer", "relative", "cosine", "bias"])


def filter_distances(before, after):
    """Return the relative change of every filter: a dict from layer to float64 (out,). Raises as `distances` does."""
    found = {}
    for layer in before:
        (kernel, _), (new_kernel, _) = _pairs(before, after, layer)
        flat, new = (array.reshape(-1, array.shape[-1]) for array in (kernel, new_kernel))
        with np.errstate(divide="ignore", invalid="ignore"):  # a filter of zeros has no relative change: nan or inf
            found[layer] = np.linalg.norm(new - flat, axis=0) / np.linalg.norm(flat, axis=0)
    return found


def _pairs(before, after, layer):
    if layer not in after:
        raise ValueError(f"after: {layer} is missing; got {sorted(after)}")
    pairs = [[np.asarray(array, "float64") for array in arrays[layer]] for arrays in (before, after)]
    shapes = [[array.shape for array in pair] for pair in pairs]
    if shapes[0] != shapes[1]:
        raise ValueError(f"after: {layer} holds {shapes[1]}, expected {shapes[0]}")
    if not all(np.isfinite(array).all() for pair in pairs for array in pair):
        raise ValueError(f"{layer}: got numbers that are not finite (NaN or infinity)")
    return pairs


def _relative(old, new):
    length, change = np.linalg.norm(old), np.linalg.norm(new - old)
    if not length:
        return 0.0 if not change else np.inf
    return change / length
