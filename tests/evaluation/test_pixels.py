"""Intersection over union, against counts made another way."""

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from tlbook import evaluation


@pytest.fixture
def masks():
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=(5, 8, 9))
    return truth, np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(3, size=truth.shape))


def counted(truth, answer, label):
    """The sets of places, as Python knows them."""
    one = {place for place, value in np.ndenumerate(truth) if value == label}
    other = {place for place, value in np.ndenumerate(answer) if value == label}
    return len(one & other) / len(one | other)


def test_class_iou_is_the_share_of_common_places(masks):
    found = evaluation.class_iou(*masks, classes=3)
    assert found == pytest.approx([counted(*masks, label) for label in range(3)])
    assert found == pytest.approx(jaccard_score(masks[0].ravel(), masks[1].ravel(), average=None))


def test_picture_iou_is_the_mean_over_classes_in_each_picture(masks):
    found = evaluation.picture_iou(*masks, classes=3)
    expected = [np.mean([counted(t, a, label) for label in range(3)]) for t, a in zip(*masks, strict=True)]
    assert found == pytest.approx(expected) and found.shape == (5,)


def test_class_that_is_nowhere_has_no_iou_and_does_not_count():
    truth, answer = np.array([[[0, 0, 1]]]), np.array([[[0, 1, 1]]])
    assert evaluation.class_iou(truth, answer, 3)[:2] == pytest.approx([0.5, 0.5])
    assert np.isnan(evaluation.class_iou(truth, answer, 3)[2])
    assert evaluation.picture_iou(truth, answer, 3) == pytest.approx([0.5])


def test_all_ground_is_accurate_and_worth_a_third():
    truth = np.zeros((1, 10, 10), int)
    truth[0, 0, :4], truth[0, 1, :4] = 1, 2
    answer = np.zeros_like(truth)
    assert np.mean(truth == answer) == 0.92
    assert evaluation.picture_iou(truth, answer, 3) == pytest.approx([0.92 / 3])


def test_masks_that_do_not_fit():
    truth = np.zeros((2, 3, 3), int)
    for answer in (truth[:1], truth[:, :2]):
        with pytest.raises(ValueError, match="answer: got shape"):
            evaluation.class_iou(truth, answer, 2)
    with pytest.raises(ValueError, match="answer: got shape"):
        evaluation.class_iou(truth[:0], truth[:0], 2)
    with pytest.raises(ValueError, match="truth: got shape"):
        evaluation.picture_iou(truth[0], truth[0], 2)
    with pytest.raises(ValueError, match=r"expected 0\.\.1"):
        evaluation.class_iou(truth, truth + 2, 2)
