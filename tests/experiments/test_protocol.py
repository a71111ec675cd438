"""The protocol: no arm sees the test, which is looked at once and last, and a row says what it cost."""

import dataclasses
import functools
import math
import pickle
import random
import sys
import types

import numpy as np
import pytest

from experiments import code_digest, measuring, pretraining
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Measurement, Task, at_edge
from tlbook import results
from tlbook.files import sources

SOURCE = sources.Source("toy data", "bundled", "")
SEEN = []


def share_right(labels, predictions):
    return float(np.mean(np.equal(labels, predictions)))


def by_class(labels, predictions):
    return {f"right_{k}": int(np.sum(np.equal(labels, k) & np.equal(predictions, k))) for k in (0, 1)}


def load(n_train, seed, noise=0):
    SEEN.append("load")
    task = Task(train=list(range(n_train)), validation=[7], n_choose=40, source=SOURCE, seed=seed, noise=noise)
    return task, HeldOut("held-out inputs", [0, 1, 1])


def fit(task, arm, seed, chosen=0.1, **more):
    SEEN.append(("fit", task, arm, seed))

    def predict(inputs):
        SEEN.append(("predict", inputs))
        return [0, 1, 0]

    return Fitted(predict=predict, validation=0.123456, chosen=chosen, **more)


def experiment(**changes):
    arms = {
        "one": Arm(fit=fit, grid=(0.01, 0.1, 1.0), pretraining="none"),
        "two": Arm(
            fit=functools.partial(fit, chosen=None, n_source=9, pretraining_seconds=2.5, figures={"depth": 1 / 3}),
            first=(1, 2),
            pretraining="measured",
        ),
    }
    settings = {
        "name": "toy",
        "question": "Does it?",
        "unit": "seed",
        "arms": arms,
        "design": {"n_train": (10, 20), "seed": (0, 1)},
        "load": load,
        "metrics": {"accuracy": share_right, "classes": by_class},
    }
    return Experiment(**settings | changes)


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


def test_row_says_what_was_chosen_what_came_of_it_and_what_it_cost():
    assert experiment().run("one", 10, 0) == {
        "chosen": 0.1,
        "at_edge": False,
        "validation_accuracy": 0.1235,
        "test_accuracy": 0.6667,
        "test_right_0": 1,
        "test_right_1": 1,
        "n_choose": 40,
        "n_source": 0,
        "trials": 3,
        "pretraining": "none",
        "kept_seconds": 0.0,
        "source": SOURCE,
    }
    row = experiment().run("two", 10, 0)
    assert (row["n_source"], row["trials"], row["pretraining"], row["depth"]) == (9, 3, 2.5, 0.3333)
    assert row["chosen"] is None and row["at_edge"] is None


def test_arm_never_receives_the_test_which_is_predicted_once_after_the_choice():
    experiment().run("one", 10, 3)
    loaded, (name, task, arm, seed), predicted = SEEN
    assert (loaded, name, predicted) == ("load", "fit", ("predict", "held-out inputs"))
    assert seed == 3 and arm.grid == (0.01, 0.1, 1.0) and task.train == list(range(10))
    assert not any(isinstance(part, HeldOut) or part == "held-out inputs" for part in vars(task).values())


def test_without_a_test_nothing_is_predicted():
    row = experiment(load=lambda **c: (load(**c)[0], None)).run("one", 10, 0)
    assert not any(name.startswith("test") for name in row) and row["validation_accuracy"] == 0.1235
    assert not any(seen[0] == "predict" for seen in SEEN)


def test_runs_are_arm_by_arm_and_an_arm_may_have_a_design_of_its_own():
    toy = experiment()
    assert toy.configurations()[:2] == [{"arm": "one", "n_train": 10, "seed": s} for s in (0, 1)]
    assert len(toy.configurations()) == 8 and toy.configurations()[-1] == {"arm": "two", "n_train": 20, "seed": 1}
    arm = dataclasses.replace(toy.arms["one"], design={"n_train": (0,)})
    assert [c["n_train"] for c in experiment(arms={"one": arm}).configurations()] == [0, 0]
    wide = experiment(design={"n_train": (10,), "noise": (1, 2), "seed": (0,)})
    assert [c["noise"] for c in wide.configurations()] == [1, 2, 1, 2]
    assert wide.run(**wide.configurations()[1])["chosen"] == 0.1 and SEEN[-2][1].noise == 2
    less = experiment(left_out={"nobody asks": lambda run: run["arm"] == "two" and run["n_train"] > 10})
    assert less.configurations() == [c for c in toy.configurations() if (c["arm"], c["n_train"]) != ("two", 20)]
    travelled = pickle.loads(pickle.dumps(less.run))  # a run happens in another process
    assert travelled(**less.configurations()[0]) == less.run(**less.configurations()[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {}}, "arms: got none"),
        ({"metrics": {}}, "metrics: got none"),
        ({"design": {"n_train": (1,)}}, "design: got .*expected n_train and seed"),
    ],
    ids=["arms", "metrics", "design"],
)
def test_incomplete_experiment_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        experiment(**changes)


def test_incomplete_task_arm_or_answer_is_refused():
    task = {"train": [1], "validation": [2], "n_choose": 1, "source": SOURCE}
    for wrong, message in [
        ({"validation": None}, "validation: got None"),
        ({"n_choose": 0}, "validation: .*n_choose 0"),
        ({"test_images": [3]}, "no arm may see it"),
    ]:
        with pytest.raises(ValueError, match=message):
            Task(**task | wrong)
    with pytest.raises(TypeError, match="validation"):
        Task(train=[1], n_choose=1, source=SOURCE)
    with pytest.raises(ValueError, match="grid: got no setting"):
        Arm(fit=fit, grid=(), pretraining="none")
    with pytest.raises(ValueError, match="pretraining: got 'lots'"):
        Arm(fit=fit, pretraining="lots")
    for arm, message in [
        (Arm(fit=functools.partial(fit, chosen=5), grid=(1, 2), pretraining="none"), "chosen: got 5 from one"),
        (Arm(fit=fit, grid=(0.1,), pretraining="measured"), "pretraining_seconds: got None from one"),
        (Arm(fit=functools.partial(fit, pretraining_seconds=1.0), grid=(0.1,), pretraining="none"), "got 1.0 from one"),
    ]:
        with pytest.raises(ValueError, match=message):
            experiment(arms={"one": arm}).run("one", 10, 0)
        assert not any(seen[0] == "predict" for seen in SEEN), "the test is not looked at"


def test_source_labels_of_a_publisher_are_not_counted():
    arm = Arm(fit=fit, grid=(0.1,), pretraining="published")
    assert experiment(arms={"one": arm}).run("one", 10, 0)["n_source"] is None


@pytest.mark.parametrize(
    ("chosen", "grid", "edge"),
    [
        (0.1, (0.01, 0.1, 1.0), False),
        (0.01, (0.01, 0.1, 1.0), True),
        (1.0, (0.01, 1.0, 0.1), True),
        (1, (1, 2), True),
        (None, (None,), None),
        (0.1, (0.1,), None),
        ("mean", ("mean", "last"), None),
        (None, (None, 0.1, 0.2), False),
        (("mean", 0.1), (("mean", 0.1), ("last", 0.1), ("mean", 1.0)), True),
        (("mean", 0.1), (("mean", 0.1), ("last", 0.01), ("mean", 1.0)), False),
    ],
)
def test_choice_at_the_edge_of_its_grid_is_said(chosen, grid, edge):
    assert at_edge(chosen, grid) is edge


def test_setting_of_several_parts_is_one_word_a_part():
    arm = Arm(fit=functools.partial(fit, chosen=("mean", 0.1)), grid=(("mean", 0.1), ("last", 0.1)), pretraining="none")
    assert experiment(arms={"one": arm}).run("one", 10, 0)["chosen"] == "mean 0.1"


def test_what_is_no_number_is_blank():
    arm = Arm(fit=functools.partial(fit, figures={"f": math.nan, "k": np.int64(3)}), grid=(0.1,), pretraining="none")
    row = experiment(arms={"one": arm}).run("one", 10, 0)
    assert row["f"] is None and row["k"] == 3.0


def test_table_is_the_same_in_every_experiment(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(measuring.Process, "call", lambda self, function, *arguments: function(*arguments))
    table = experiment().record()
    assert list(table)[:6] == ["arm", "n_train", "seed", "chosen", "at_edge", "validation_accuracy"]
    assert list(table)[-len(measuring.COLUMNS) :] == list(measuring.COLUMNS)
    assert table.code.nunique() == 1 and (table.cache == "cold").all() and len(table) == 8
    assert table.at_edge.dropna().eq(False).all() and table.pretraining.unique().tolist() == ["none", "2.5"]
    before = (tmp_path / "toy.csv").read_bytes()
    SEEN.clear()
    assert len(experiment().record()) == 8 and SEEN == []
    assert (tmp_path / "toy.csv").read_bytes() == before

    wider = dataclasses.replace(experiment().arms["one"], grid=(0.01, 0.1, 1.0, 10.0))
    experiment(arms={"one": wider, "two": experiment().arms["two"]}).record()
    assert SEEN.count("load") == 8 and len(results.read("toy")) == 8, "another grid makes every row stale"


def measure(size, repeat):
    return {"speed": size / 3, "source": SOURCE}


def test_measurement_has_no_ledger_of_labels(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(measuring.Process, "call", lambda self, function, *arguments: function(*arguments))
    toy = Measurement(name="toy", question="How fast?", design={"size": (1, 2), "repeat": (0, 1)}, measure=measure)
    table = toy.record()
    assert list(table)[:4] == ["size", "repeat", "speed", "cpu_seconds"] and len(table) == 4
    assert not set(table) & {"n_choose", "n_source", "trials", "pretraining"}


MODULE = '''
"""What it does."""
from experiments import frame, helper

RATE = 0.1  # a rate


def load(n_train, seed):
    """Load it."""
    return helper.data(n_train), seed  # twice


EXPERIMENT = dict(name="toy", question="Does it?", left_out={})

if __name__ == "__main__":
    print(EXPERIMENT)
'''
HELPER = "def data(n):\n    return list(range(n))\n"


@pytest.fixture
def digest(monkeypatch, tmp_path):
    """Return a function that gives the digest of a module beside which stands another one."""
    monkeypatch.setattr(code_digest, "FOLDER", tmp_path)
    (tmp_path / "protocol.py").write_text("from experiments import frame")

    def of(text=MODULE, helper=HELPER, frame="", **more):
        (tmp_path / "helper.py").write_text(helper)
        (tmp_path / "frame.py").write_text(frame)
        (tmp_path / "toy.py").write_text(text)
        monkeypatch.setitem(sys.modules, "toy", types.SimpleNamespace(__file__=str(tmp_path / "toy.py")))
        return code_digest.digest(types.SimpleNamespace(__module__="toy"), **more)

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a rate", "# the rate that Adam gets"),
        ("What it does.", "What it does, said better."),
        ("Load it.", "Load them."),
        ('question="Does it?"', 'question="Does it transfer?"'),
        ("left_out={}", 'left_out={"nobody asks": lambda run: run["arm"] == "two"}'),
        ("(n_train), seed  # twice", "(\n        n_train,\n    ), seed"),
        ("print(EXPERIMENT)", "print('done')"),
    ],
)
def test_better_words_make_no_row_stale(digest, old, new):
    assert old in MODULE and digest(MODULE.replace(old, new)) == digest()


def test_other_code_grid_or_choice_makes_rows_stale(digest):
    arm = Arm(fit=fit, grid=(1, 2), pretraining="none")
    digests = [
        digest(),
        digest(MODULE.replace("0.1", "0.2")),
        digest(MODULE.replace('"toy"', '"other"')),
        digest(helper=HELPER.replace("range(n)", "range(n + 1)")),
        digest(arms={"one": arm}),
        digest(arms={"one": dataclasses.replace(arm, grid=(1, 2, 3))}),
        digest(arms={"one": dataclasses.replace(arm, first=(1,))}),
        digest(settled={"one": 0.1}),
    ]
    assert len(set(digests)) == len(digests)
    assert digest(helper=HELPER + "# a comment\n") == digest()


def test_what_the_protocol_itself_imports_makes_no_row_stale(digest):
    assert digest(frame="BETTER = True\n") == digest()


def test_pretraining_is_done_once_and_its_seconds_are_not_those_of_the_run():
    trained = []

    def train():
        trained.append(1)
        random.random()
        np.random.random()  # noqa: NPY002
        end = measuring.time.process_time() + 0.3
        while measuring.time.process_time() < end:
            pass
        return {"w": np.arange(3.0)}

    def run(seed):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        arrays, seconds = pretraining.trained_once("toy", train)
        drawn = random.random() + np.random.random()  # noqa: NPY002
        return {"seconds_kept": seconds, "w": arrays["w"].tolist(), "drawn": drawn, "source": SOURCE}

    first, second = (measuring.measured(run, {"seed": 0}) for _ in range(2))
    assert trained == [1] and first["seconds_kept"] == second["seconds_kept"] >= 0.3
    assert first["cpu_seconds"] < 0.3 and first["seconds"] < 0.3
    assert first["w"] == second["w"] == [0.0, 1.0, 2.0]
    assert first["drawn"] == second["drawn"], "a run is the same whether the cache was empty or not"


def test_work_that_was_found_done_counts_in_the_row():
    row = measuring.measured(lambda: {"kept_seconds": 12.5, "source": SOURCE}, {})
    assert 12.5 <= row["cpu_seconds"] < 12.6 + 5 and "kept_seconds" not in row
