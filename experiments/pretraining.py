"""Pretraining: what several runs start from is trained once, and kept with what it cost."""

import contextlib
import random
import time

import numpy as np

from tlbook.files.cache import cached_arrays

_spent = [0.0, 0.0]  # wall seconds and CPU seconds, of all trainings in this process


def spent():
    """Return `(seconds, cpu_seconds)` that this process has spent in trainings that runs share."""
    return tuple(_spent)


def trained_once(key, train):
    """Return `(arrays, cpu_seconds)` of a training: of `train()` the first time, from the cache afterwards.

    Parameters
    ----------
    key : str
        What the arrays depend on, the code included (`code_digest.digest`).
    train : callable
        Takes nothing, returns a dict of str to `numpy.ndarray`.

    The random numbers of Python and NumPy, from which Keras draws fresh weights, go on as if nothing had been trained:
    the runs that follow are the same whether the cache was empty or not.
    """
    cost = np.zeros(2)

    def compute():
        start, cpu = time.perf_counter(), time.process_time()
        with _random_numbers_kept():
            arrays = train()
        cost[:] = time.perf_counter() - start, time.process_time() - cpu
        return arrays | {"cpu_seconds": np.array(cost[1])}

    arrays = cached_arrays(f"pretraining-{key}", compute)
    _spent[0] += cost[0]
    _spent[1] += cost[1]
    return arrays, round(float(arrays.pop("cpu_seconds")), 1)


@contextlib.contextmanager
def aside():
    """Take what happens inside for shared work: its seconds are not those of the run, which is charged its share."""
    start, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        _spent[0] += time.perf_counter() - start
        _spent[1] += time.process_time() - cpu


def weights_once(key, model, train):
    """Give a Keras model the weights that `train()` leaves it with; return the CPU seconds that this took."""

    def compute():
        train()
        return {str(number): array for number, array in enumerate(model.get_weights())}

    arrays, cpu_seconds = trained_once(key, compute)
    model.set_weights([arrays[str(number)] for number in range(len(arrays))])
    return cpu_seconds


@contextlib.contextmanager
def _random_numbers_kept():
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
