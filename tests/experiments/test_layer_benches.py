"""The two benches of chapter 3.7: their positive controls, which must pass before any other row means anything."""

import numpy as np
import pandas as pd
import pytest

from tlbook import evaluation, results

LOWER = 0.05  # a share: five points


def runs(name, arms, column, read):
    """Return the runs of two arms, in the order of the seeds that both have; skips where there are none yet."""
    try:
        table = results.read(name)
    except FileNotFoundError:
        pytest.skip(f"{name} is not recorded yet")
    found = [table[table.arm == arm].set_index("seed")[column].map(read) for arm in arms]
    seeds = sorted(set(found[0].index) & set(found[1].index))
    if len(seeds) < 8:
        pytest.skip(f"{name} has {len(seeds)} of eight seeds of its positive control so far")
    return [np.stack(list(arm[seeds])) for arm in found]


def of_pictures(text):
    """Return which test pictures a run got right, bool (n,)."""
    return evaluation.unpacked_right([text])[0]


def test_the_positive_control_of_the_pictures_passes():
    """The last layer of the body with the source's labels, over seeds and pictures."""
    labels, fresh = runs("bench_pictures", ("labels_layer3", "measured_layer3"), "test_right", of_pictures)
    mean, half = evaluation.crossed(labels.astype(float) - fresh)
    assert mean - half >= LOWER, f"{100 * mean:.1f} ± {100 * half:.1f} points: the bench cannot answer"


def test_the_positive_control_of_the_words_passes():
    """The last layer of the GRU with the labels of pros and cons, over products."""
    labels, fresh = runs("bench_sequences", ("labels_gru_layer2", "fresh_gru_layer2"), "test_recall", float)
    mean, half = evaluation.paired(labels, fresh)
    assert mean - half >= LOWER, f"{100 * mean:.1f} ± {100 * half:.1f} points: the bench cannot answer"


def test_the_bits_of_a_row_are_its_accuracy():
    try:
        table = results.read("bench_pictures")
    except FileNotFoundError:
        pytest.skip("bench_pictures is not recorded yet")
    right = pd.Series([of_pictures(text).mean() for text in table.test_right])
    assert np.allclose(right, table.test_accuracy, atol=1e-4)
