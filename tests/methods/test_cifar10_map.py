"""The map as the chapter reads it: whole, in part, or not there; every number held against the rows."""

import json

import numpy as np
import pandas as pd
import pytest

from tlbook import evaluation, results
from tlbook.methods.explorables import cifar10_map

PICTURES = 40


def run(arm, resolution, n_train, seed, share, **more):
    """A row of the map: of the test pictures the first `share` are right, moved a little by the seed."""
    right = np.arange(PICTURES) < share * PICTURES + seed
    row = {"arm": arm, "resolution": resolution, "n_train": n_train, "seed": seed, "test_accuracy": right.mean()}
    row |= {"test_right": evaluation.packed_right(right), "validation_accuracy": share, "chosen": 1e-3, "tmac": 2.0}
    return row | {"test_tmac": 1.0, "cpu_seconds": 90.0, "source": "CIFAR-10", "note": "", "device": "CPU"} | more


def rows(*cells, seeds=3, **more):
    return pd.DataFrame([run(*cell, seed, share, **more) for *cell, share in cells for seed in range(seeds)])


@pytest.fixture
def small():
    return rows(
        ("linear_probe", 32, 100, 0.3),
        ("linear_probe", 64, 100, 0.45),
        ("block4_conv3", 32, 100, 0.4),
        ("block5_conv3", 32, 100, 0.15),
        ("scratch_airbench", 32, 100, 0.1),
    )


def recorded(monkeypatch, tmp_path, table=None):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    if table is not None:
        table.to_csv(tmp_path / "map.csv", index=False)
    return cifar10_map.read()


def test_a_map_that_is_not_there_breaks_nothing(monkeypatch, tmp_path):
    none = recorded(monkeypatch, tmp_path)
    known = cifar10_map.cells(none)
    assert none.empty and known.empty and cifar10_map.table(known).empty
    assert cifar10_map.within(none, known, 100, 10) is None and cifar10_map.best_frozen(known, 100) is None
    assert cifar10_map.chosen_runs(none, 32, 100).empty
    assert cifar10_map.verdict(none, ("a", 32, 10), ("b", 32, 10)) == "not recorded yet"
    assert cifar10_map.grid(known, cifar10_map.WAYS, {"here": (32, 100)}) == {}
    assert cifar10_map.evidence(none, known)["cells"] == []


def test_a_run_on_a_gpu_counts_and_its_time_does_not(monkeypatch, tmp_path, small):
    other = rows(("everything", 32, 100, 0.7), device="NVIDIA H200")
    kept = recorded(monkeypatch, tmp_path, pd.concat([small, other]))
    assert len(kept) == len(small) + len(other)
    cell = cifar10_map.cells(kept).set_index("arm").loc["everything"]
    assert cell["mean"] == pytest.approx(other.test_accuracy.mean()) and np.isnan(cell.minutes)
    assert cifar10_map.within(kept, cifar10_map.cells(kept), 100, 10)["arm"] != "everything"
    json.dumps(cifar10_map.evidence(kept, cifar10_map.cells(kept)), allow_nan=False)


def test_a_cell_has_the_mean_and_the_crossed_interval_of_its_runs(small):
    known = cifar10_map.cells(small)
    assert known.arm.tolist() == [*["linear_probe"] * 2, "scratch_airbench", "block4_conv3", "block5_conv3"]
    cell = known.iloc[0]
    its = small[:3]
    assert (cell["mean"], cell["half"]) == evaluation.crossed(evaluation.unpacked_right(its.test_right))
    assert cell["mean"] == pytest.approx(its.test_accuracy.mean())
    assert (cell.seeds, cell.minutes, cell.tmac) == (3, 1.5, 2.0)


def test_one_run_has_no_interval_and_rows_without_pictures_have_that_of_the_seeds(small):
    assert np.isnan(cifar10_map.level(small[:1])[1])
    bare = small[:3].assign(test_right=None)
    assert cifar10_map.level(bare) == evaluation.interval(bare.test_accuracy)
    bare = small.assign(test_right=None)
    gain = cifar10_map.difference(bare, ("linear_probe", 64, 100), ("linear_probe", 32, 100))
    assert gain == pytest.approx((0.15, 0.0))


def test_differences_are_paired_by_seed_in_whatever_order(small):
    one, other = ("block4_conv3", 32, 100), ("block5_conv3", 32, 100)
    gain = cifar10_map.difference(small.sample(frac=1, random_state=1), one, other)
    right = [
        evaluation.unpacked_right(cifar10_map.runs_of(small, cell).test_right).astype(float) for cell in (one, other)
    ]
    assert gain == pytest.approx(evaluation.crossed(right[0] - right[1]))
    assert cifar10_map.verdict(small, one, other).startswith("helps by 25.0")
    assert cifar10_map.difference(small[small.seed == 0], one, other) is None, "one pair says nothing"


def test_each_draw_of_labels_chooses_its_layer_and_the_test_does_not(small):
    assert set(cifar10_map.chosen_runs(small, 32, 100).arm) == {"block4_conv3"}
    fooled = (small.arm == "block5_conv3") & (small.seed == 1)
    fooled = cifar10_map.chosen_runs(
        small.assign(validation_accuracy=small.validation_accuracy.mask(fooled, 0.9)), 32, 100
    )
    assert fooled.arm.tolist() == ["block4_conv3", "block5_conv3", "block4_conv3"] and fooled.seed.tolist() == [0, 1, 2]
    tied = cifar10_map.chosen_runs(small.assign(validation_accuracy=0.5)[::-1], 32, 100)
    assert set(tied.arm) == {"block4_conv3"}, "at a tie the lower layer"
    assert cifar10_map.chosen_runs(small.assign(validation_accuracy=np.nan), 32, 100).empty, "nothing can choose"


def test_the_best_frozen_way_is_that_of_the_labels_within_the_work(small):
    known = cifar10_map.cells(small.assign(tmac=small.resolution / 32))
    assert cifar10_map.best_frozen(known, 100) == ("linear_probe", 64, 100)
    assert cifar10_map.best_frozen(known, 100, 32) == ("block4_conv3", 32, 100)
    assert cifar10_map.best_frozen(known, 100, tmac=1) == ("block4_conv3", 32, 100)
    assert cifar10_map.best_frozen(known, 100, tmac=0.5) is None and cifar10_map.best_frozen(known, 10) is None
    nothing = cifar10_map.cells(small.assign(validation_accuracy=np.nan))
    assert cifar10_map.best_frozen(nothing, 100) is None, "with one label a class nothing can choose"


def test_one_half_of_the_pictures_chooses_and_the_other_tells():
    early, late = np.arange(PICTURES) < 20, np.arange(PICTURES) >= 20
    packed = {"linear_probe": evaluation.packed_right(early), "everything": evaluation.packed_right(late)}
    both = rows(("linear_probe", 32, 100, 0.5), ("everything", 32, 100, 0.5))
    both = both.assign(test_right=both.arm.map(packed))
    bought = cifar10_map.within(both, cifar10_map.cells(both), 100, 2)
    assert (bought["arm"], bought["mean"]) == ("linear_probe", 0), "it won the first half and has none of the second"


def test_a_budget_leaves_out_what_takes_longer(small):
    slow = small.assign(cpu_seconds=small.cpu_seconds.where(small.resolution == 32, 600))
    known = cifar10_map.cells(slow)
    assert cifar10_map.within(slow, known, 100, 1) is None
    assert cifar10_map.within(slow, known, 100, 2)["arm"] == "block4_conv3"
    assert cifar10_map.within(slow, known, 100, 10)["resolution"] == 64
    assert cifar10_map.within(slow, known, 1_000, 10) is None
    assert cifar10_map.within(slow[slow.seed == 0], cifar10_map.cells(slow[slow.seed == 0]), 100, 10) is None


def test_a_grid_has_the_cells_that_are_there(small):
    found = cifar10_map.grid(cifar10_map.cells(small), cifar10_map.WAYS, {"a": (32, 100), "b": (64, 100)})
    assert list(found) == ["frozen, block 4", "small, from scratch"]
    assert set(found["frozen, block 4"]) == {"a", "b"} and set(found["small, from scratch"]) == {"a"}
    mean, _, seeds = found["frozen, block 4"]["b"]
    assert (mean, seeds) == (pytest.approx(0.475), 3)


def test_what_the_figure_is_given_can_be_json_and_holds_every_run(small):
    shown = cifar10_map.evidence(small[:-2], cifar10_map.cells(small[:-2]))
    json.dumps(shown, allow_nan=False)
    assert sum(len(cell["runs"]) for cell in shown["cells"]) == len(small) - 2
    controls = {(cell["way"], cell["resolution"]): cell["control"] for cell in shown["cells"]}
    assert controls["scratch_airbench", 32] is None and controls["linear_probe", 32] is None
    small = pd.concat([small, rows(("classical", 32, 100, 0.05), seeds=1)])
    whole = cifar10_map.evidence(small, cifar10_map.cells(small))
    assert whole["cells"][0]["control"].startswith("helps by 20.0")
    assert list(whole["ways"]) == ["linear_probe", "scratch_airbench", "classical", "block4_conv3", "block5_conv3"]
    assert whole["controls"] == [[100, pytest.approx(0.125), "scratch_airbench"]]


def test_the_stronger_control_is_the_one_to_beat(small):
    both = pd.concat([small, rows(("classical", 32, 100, 0.2), ("classical", 32, 10, 0.1))])
    known = cifar10_map.cells(both)
    assert cifar10_map.strongest(known, 100) == ("classical", 32, 100)
    assert cifar10_map.strongest(known, 10) is None, "the other one may be stronger, and is not recorded"
    shown = cifar10_map.evidence(both, known)
    assert shown["cells"][0]["control"].startswith("helps by 10.0")
    assert [control[::2] for control in shown["controls"]] == [[100, "classical"]]
    said = {cell["way"]: cell["control"] for cell in shown["cells"]}
    assert said["classical"] is None and said["scratch_airbench"] is None


def test_names_are_those_of_the_experiments():
    from experiments import map_classical, map_frozen, map_scratch, map_tuned

    arms = {arm for each in (map_frozen, map_tuned, map_scratch, map_classical) for arm in each.EXPERIMENT.arms}
    assert arms == set(cifar10_map.NAMES)
