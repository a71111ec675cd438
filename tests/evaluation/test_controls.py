"""The strongest control: chosen at each size, paired by seed."""

import pandas as pd
import pytest

from tlbook import evaluation


def table(**arms):
    """Runs of arms at one or more sizes: a dict from size to scores by seed."""
    rows = [
        {"arm": arm, "n_train": n, "seed": seed, "test_accuracy": score}
        for arm, sizes in arms.items()
        for n, scores in sizes.items()
        for seed, score in enumerate(scores)
    ]
    return pd.DataFrame(rows)


RUNS = table(
    transfer={10: [0.6, 0.7, 0.8], 100: [0.7, 0.7, 0.8]},
    words={10: [0.5, 0.6, 0.6], 100: [0.6, 0.6, 0.6]},
    scratch={10: [0.1, 0.2, 0.3], 100: [0.8, 0.8, 0.9]},
)


def test_the_control_is_the_strongest_at_each_size():
    rows = evaluation.against_strongest(RUNS, ["transfer"], ["words", "scratch"], "test_accuracy")
    assert rows.control.tolist() == ["words", "scratch"] and rows.n_train.tolist() == [10, 100]
    assert rows["mean"].tolist() == pytest.approx([0.4 / 3, -0.1])
    assert rows.half[0] == pytest.approx(evaluation.paired([0.6, 0.7, 0.8], [0.5, 0.6, 0.6])[1])
    assert rows.verdict[1].startswith("hurts by 10.0")
    assert rows.runs.tolist() == [3, 3]


def test_a_stronger_control_never_helps_transfer():
    weak, strong = (
        evaluation.against_strongest(RUNS, ["transfer"], controls, "test_accuracy")["mean"]
        for controls in (["scratch"], ["scratch", "words"])
    )
    assert (strong <= weak).all()


def test_levels_within_a_seed_are_averaged_and_sizes_without_a_partner_left_out():
    runs = pd.concat([RUNS.assign(noise=0), RUNS.assign(noise=1, test_accuracy=RUNS.test_accuracy + 0.1)])
    runs = runs[(runs.arm != "words") | (runs.n_train == 10)]
    rows = evaluation.against_strongest(runs, ["transfer", "unknown"], ["words"], "test_accuracy")
    assert rows.n_train.tolist() == [10] and rows.arm_score[0] == pytest.approx(0.75)


def test_nothing_to_compare_is_an_error():
    with pytest.raises(ValueError, match="arms, controls: got"):
        evaluation.against_strongest(RUNS, ["transfer"], ["unknown"], "test_accuracy")
