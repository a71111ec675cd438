"""Distances between published weights: how far a layer moved, and one filter of it."""

import numpy as np
import pytest

from tlbook.backbones import drift


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(size=(3, 3, 4, 50)).astype("float32"), rng.normal(size=50).astype("float32"))
        for name in ("first", "second")
    }


def test_distance_of_a_frozen_layer_is_exactly_zero():
    table = drift.distances(arrays(), arrays())
    assert (table.relative == 0).all() and (table.bias == 0).all() and np.allclose(table.cosine, 1)
    assert all((values == 0).all() for values in drift.filter_distances(arrays(), arrays()).values())


def test_distance_of_a_scaled_layer_and_of_an_unrelated_one():
    before = arrays()
    scaled = {name: (1.5 * kernel, 3 * bias) for name, (kernel, bias) in before.items()}
    table = drift.distances(before, scaled)
    assert np.allclose(table.relative, 0.5) and np.allclose(table.cosine, 1) and np.allclose(table.bias, 2)
    unrelated = drift.distances(before, arrays(1))
    assert np.allclose(unrelated.relative, np.sqrt(2), atol=0.1) and (unrelated.cosine.abs() < 0.1).all()


def test_distance_of_one_filter():
    before, after = arrays(), arrays()
    after["first"][0][..., 7] *= 3
    moved = drift.filter_distances(before, after)["first"]
    assert np.flatnonzero(moved).tolist() == [7] and np.isclose(moved[7], 2)


def test_distance_from_zeros():
    before, after = arrays(), arrays()
    before["first"] = (before["first"][0], np.zeros(50, "float32"))
    assert drift.distances(before, after).bias[0] == np.inf
    assert drift.distances(before, before).bias[0] == 0


@pytest.mark.parametrize("measure", [drift.distances, drift.filter_distances])
@pytest.mark.parametrize(
    ("after", "message"),
    [
        ({"first": arrays()["first"]}, r"after: second is missing; got \['first'\]"),
        (arrays() | {"second": (np.zeros((3, 3, 4, 2)), np.zeros(2))}, r"after: second holds .* expected"),
        (arrays() | {"second": (np.full((3, 3, 4, 50), np.nan), np.zeros(50))}, "second: got numbers that are not fin"),
    ],
)
def test_distance_of_other_arrays(measure, after, message):
    with pytest.raises(ValueError, match=message):
        measure(arrays(), after)
