"""The map: what its experiments share, the order of their runs, and the table that is laid together."""

import dataclasses
import re

import keras
import numpy as np
import pandas as pd
import pytest

import whole_map
from experiments import map_classical, map_front, map_frozen, map_scratch, map_task, map_training, map_tuned, measuring
from tlbook import evaluation
from tlbook.backbones import vgg16
from tlbook.methods import prefix

MODULES = (map_frozen, map_tuned, map_scratch, map_classical)
EXPERIMENTS = {module.EXPERIMENT.name: module.EXPERIMENT for module in MODULES}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_most_telling_runs_come_first(name):
    runs = EXPERIMENTS[name].configurations()
    assert (runs[0]["resolution"], runs[0]["n_train"]) == (32, 1_000)
    assert [run["n_train"] for run in runs if run["resolution"] == 32] == sorted(
        [run["n_train"] for run in runs if run["resolution"] == 32], key=map_task.ORDER.index
    )
    seeds = pd.DataFrame(runs).groupby(["arm", "resolution", "n_train"]).seed.max() + 1
    assert seeds.max() in (5, 10) and seeds.min() == 3 and seeds[:, :, 10_000].max() == 3


def test_tuning_at_64_pixels_stops_at_a_thousand_labels():
    runs = [run for run in map_tuned.EXPERIMENT.configurations() if run["resolution"] == 64]
    assert {run["n_train"] for run in runs} == {10, 100, 1_000} and {run["seed"] for run in runs} == set(range(3))


def test_what_chooses_lies_inside_the_labels():
    (learn, judge), *others = map_task.inside(np.arange(1_000) % 10, 0)
    assert not others and len(judge) == 200 and sorted([*learn, *judge]) == list(range(1_000))
    folds = map_task.inside(np.arange(100) % 10, 0)
    assert len(folds) == 5 and sorted(np.concatenate([judge for _, judge in folds])) == list(range(100))
    assert len(map_task.inside(np.arange(30) % 10, 0)) == 3 and map_task.inside(np.arange(10), 0) == []


def test_C_is_chosen_over_both_views_and_fixed_for_ten_labels():
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 10
    seen = np.stack([np.eye(10)[labels] + rng.normal(size=(100, 10)) * noise for noise in (0.3, 0.5)])
    C, score = map_task.best_C(seen, labels, (1e-5, 1e-1), 0, 7.0)
    assert C in (1e-5, 1e-1) and score > 0.9
    C, score = map_task.best_C(seen[:, :10], labels[:10], (1e-5, 1e-1), 0, 7.0)
    assert C == 7.0 and np.isnan(score)


def test_the_control_without_a_network_learns_from_its_labels():
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 10
    seen = np.stack([np.eye(10)[labels] + rng.normal(size=(100, 10)) * noise for noise in (0.3, 0.5)])
    machine = map_classical.fitted(seen, labels, 3.0)
    assert (map_classical.both_ways(machine, seen) == labels).mean() > 0.9


def test_the_control_without_a_network_chooses_inside_its_labels(monkeypatch):
    labels = np.arange(100) % 10
    seen = np.stack([labels[:, None]] * 2)
    monkeypatch.setattr(map_classical, "fitted", lambda seen, labels, C: C)
    monkeypatch.setattr(map_classical, "both_ways", lambda C, seen: seen[0, :, 0] if C == 3 else 0 * seen[0, :, 0])
    assert map_classical.best_C(seen, labels, (1.0, 3.0, 10.0), 0) == (3.0, 1.0)
    assert map_classical.best_C(seen, labels, (1.0, 10.0), 0) == (1.0, 0.1), "at a tie the least"
    C, score = map_classical.best_C(seen[:, :10], labels[:10], (1.0, 3.0), 0)
    assert C == map_classical.FIXED_C and np.isnan(score)


def test_which_pictures_were_right_comes_back_from_a_row():
    labels, predictions = np.arange(11) % 3, np.zeros(11, int)
    row = map_task.scored(labels, predictions)
    assert row["accuracy"] == pytest.approx(4 / 11)
    assert np.array_equal(evaluation.unpacked_right([row["right"]])[0], labels == 0)


def test_cycle_climbs_falls_and_starts_again():
    cycle = map_training.Cycle()
    cycle.peak.assign(2.0)
    cycle.steps.assign(100.0)
    rates = [float(cycle(step)) for step in range(100)]
    assert 1.9 < max(rates) <= 2 and rates.index(max(rates)) in (14, 15) and rates[-1] < 0.02 and rates[0] < 0.1


class Line(keras.utils.PyDataset):
    def __init__(self, x, labels):
        super().__init__()
        self.x, self.labels = x, labels

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.x, self.labels


def test_rate_is_chosen_in_halves_and_the_model_ends_trained_on_all():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    x = (np.eye(10)[labels] + 0.1 * rng.normal(size=(40, 10))).astype("float32")
    model = map_training.compiled(keras.Sequential([keras.Input((10,)), keras.layers.Dense(10)]))
    start, prepared, hot = model.get_weights(), [], map_training.one_hot(labels)

    def prepare(positions):
        prepared.append(len(positions))
        model.set_weights(start)

    found = map_training.choose_and_train(
        model,
        prepare,
        lambda positions: Line(x[positions], hot[positions]),
        lambda positions: np.asarray(model(x[positions])).argmax(axis=1),
        labels,
        (1e-4, 0.3),
        40,
        0,
        1e-3,
        share=0.15,
    )
    assert found.rate == 0.3 and found.validation > 0.9 and prepared == [20] * 4 + [40]
    assert found.seen == 2 * 2 * 6 * 20 + 40 * 40
    assert evaluation.accuracy(labels, np.asarray(model(x)).argmax(axis=1)) > 0.9


@pytest.mark.parametrize("resolution", [32, 48, 64, 96])
def test_every_layer_gives_2048_numbers_at_every_resolution(monkeypatch, resolution):
    monkeypatch.setattr(vgg16, "pretrained", lambda shape: (vgg16.build(shape), None))
    map_frozen.readings.cache_clear()
    assert map_frozen.readings(resolution).output_shape == (None, 15, 2_048)
    map_frozen.readings.cache_clear()


def test_cells_of_a_map_are_its_means():
    maps = np.random.default_rng(0).random((2, 16, 16, 64), "float32")
    inputs = keras.Input(maps.shape[1:])
    found = keras.Model(inputs, map_frozen.averaged(inputs))(maps)
    np.testing.assert_allclose(found, maps.reshape(2, 8, 2, 4, 4, 64).mean(axis=(2, 4)), rtol=1e-5)


def test_features_come_from_the_parts_of_the_pool_in_order(monkeypatch):
    arrays = np.random.default_rng(0).random((2, 12, 15, 3)).astype("float16")
    found = [prefix.Prefixed(part, prefix.VIEWS, 0.0) for part in (arrays[:, :5], arrays[:, 5:])]
    positions = np.array([0, 4, 5, 11])
    seen = map_frozen.layers_of(found, ("block1_conv2", "block4_pool"), positions)
    assert np.array_equal(seen, np.concatenate([arrays[:, positions, 1], arrays[:, positions, 14]], axis=-1))
    assert np.array_equal(map_frozen.layers_of(found[:1], ("block1_conv1",), np.arange(2)), arrays[:, :2, 0])


def test_controls_keep_what_they_should(monkeypatch):
    rng = np.random.default_rng(0)
    published = {"block4_conv1": (rng.normal(1, 2, (3, 3, 4, 500)).astype("float32"), np.ones(500, "float32"))}
    monkeypatch.setattr(vgg16, "find_arrays", lambda: (published, None))
    kernel = published["block4_conv1"][0]
    shuffled = map_tuned.arrays_of("shuffled", 1)["block4_conv1"][0]
    assert (
        np.array_equal(np.sort(shuffled, axis=None), np.sort(kernel, axis=None)) and (shuffled != kernel).mean() > 0.9
    )
    drawn = map_tuned.arrays_of("mean_variance", 1)["block4_conv1"][0]
    assert abs(drawn.mean() - 1) < 0.1 and abs(drawn.std() - 2) < 0.1
    fresh, bias = map_tuned.arrays_of("fresh", 1)["block4_conv1"]
    assert abs(fresh.std() - np.sqrt(2 / 36)) < 0.02 and not bias.any()
    assert map_tuned.arrays_of("published", 1)["block4_conv1"][0] is not None


def test_jax_is_refused_which_would_freeze_the_rate(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="got jax, expected tensorflow or torch"):
        map_training.compiled(None)


@pytest.mark.parametrize("budget", map_front.BUDGETS)
def test_the_front_spends_no_more_than_its_budget(budget):
    below, above, probed = 0.1e9, 0.2e9, 1_000
    n, epochs = map_front.affordable(1e12 * budget, 42_500, below, above, 4, probed)
    spent = 2 * probed * above + 2 * n * below + 3 * n * epochs * above
    assert epochs >= 4 and 0.8e12 * budget < spent <= 1e12 * budget
    with pytest.raises(ValueError, match="enough for"):
        map_front.affordable(1e9, 42_500, below, above, 4)


def test_tables_are_laid_together(tmp_path):
    with pytest.raises(SystemExit, match="record them first"):
        whole_map.whole(tmp_path)
    row = {"arm": "a", "resolution": 64, "n_train": 10, "seed": 0, "chosen": 1, "test_accuracy": 0.5}
    row |= {"tmac": 1.0, "test_tmac": 2.0, "code": "x"}
    pd.DataFrame([row, row | {"resolution": 32}]).to_csv(tmp_path / "map_frozen.csv", index=False)
    pd.DataFrame([row | {"arm": "b", "resolution": 32}]).to_csv(tmp_path / "map_scratch.csv", index=False)
    table = pd.read_csv(whole_map.write(tmp_path))
    assert list(table.columns[:6]) == ["arm", "resolution", "n_train", "seed", "test_accuracy", "tmac"]
    assert table.arm.tolist() == ["a", "b", "a"] and table.resolution.tolist() == [32, 32, 64]
    assert table.experiment.tolist() == ["map_frozen", "map_scratch", "map_frozen"]


def test_the_map_in_the_book_is_what_its_tables_say():
    folder = whole_map.ROOT / "results"
    if not (folder / "map.csv").is_file():
        pytest.skip("the map is not laid together yet")
    again = whole_map.whole(folder).to_csv(index=False, lineterminator="\n")
    assert (folder / "map.csv").read_text(encoding="utf-8") == again


def test_arms_are_apart():
    arms = [arm for experiment in EXPERIMENTS.values() for arm in experiment.arms]
    assert len(set(arms)) == len(arms) and all(dataclasses.is_dataclass(each) for each in EXPERIMENTS.values())


def test_the_data_sheet_describes_the_columns_that_a_row_has():
    page = (whole_map.ROOT / "book" / "map-data.md").read_text(encoding="utf-8")
    described = re.findall(r'^    "(\w+)": "', page, flags=re.MULTILINE)
    ours = {"arm", "resolution", "n_train", "seed", "chosen", "at_edge", "tmac", "test_tmac", "experiment"}
    ours |= {"validation_accuracy", *(f"test_{name}" for name in map_task.scored(np.zeros(1), np.zeros(1)))}
    assert set(described) == ours | set(measuring.COLUMNS) and len(described) == len(set(described))
    arms = {arm for experiment in EXPERIMENTS.values() for arm in experiment.arms} - set(vgg16.CONVOLUTIONS)
    assert not [arm for arm in arms if f"`{arm}`" not in page]
