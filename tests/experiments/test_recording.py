"""Recording: what is missing is run, in order and in a process of its own, and nothing that was finished is lost."""

import concurrent.futures
import datetime
import importlib.metadata
import os
import pathlib
import platform
import sqlite3
import subprocess
import sys
import textwrap
import time
import types

import numpy as np
import pandas as pd
import psutil
import pytest
import toy_run
from conftest import lives

from experiments import measuring, recording, work_queue
from tlbook import results
from tlbook.files import cache

SOURCE = toy_run.SOURCE
GRID = [{"regime": regime, "labels": labels, "rate": 3e-5} for labels in (1000, 100) for regime in ("probe", "all")]
RAN = []
ROOT = pathlib.Path(__file__).parents[2]
MEASURED = [c for c in measuring.COLUMNS if c not in ("n_choose", "n_source", "trials", "pretraining")]


def run(**configuration):
    RAN.append(configuration)
    return {"accuracy": 1 / 3, "source": SOURCE}


def never(**configuration):
    raise AssertionError(f"run again: {configuration}")


def fails_at(configuration, error):
    def run_or_fail(**arguments):
        if arguments == configuration:
            raise error
        return run(**arguments)

    return run_or_fail


class InThisProcess:
    """Plays `ProcessPoolExecutor` without the seconds that a fresh process takes."""

    def __init__(self, *_):
        pass

    def shutdown(self):
        pass

    def submit(self, function, *arguments):
        future = concurrent.futures.Future()
        future.set_result(function(*arguments))
        return future


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    monkeypatch.delenv("TLBOOK_STORAGE", raising=False)
    results.FOLDER.mkdir()
    RAN.clear()
    return results.FOLDER


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(measuring.concurrent.futures, "ProcessPoolExecutor", InThisProcess)


def recorded():
    """The configurations in the file, in its order."""
    table = results.read("toy")
    return table[["regime", "labels", "rate"]].to_dict("records") if len(table) else []


def test_everything_is_run_once_and_written_in_order(quick, folder, capsys):
    table = recording.record("toy", GRID, run)
    assert RAN == recorded() == GRID
    pd.testing.assert_frame_equal(table, pd.read_csv(folder / "toy.csv"))
    assert list(table.columns) == ["regime", "labels", "rate", "accuracy", *MEASURED]
    assert (table.accuracy == 1 / 3).all(), "every digit is kept"
    assert set(table.source) == {SOURCE.name} and set(table.kind) == {SOURCE.kind} and set(table.note) == {SOURCE.note}
    assert capsys.readouterr().out.splitlines() == [f"toy: {configuration}" for configuration in GRID]
    assert sorted(path.name for path in folder.iterdir()) == ["toy.csv", "toy.db"]
    assert b"\r" not in (folder / "toy.csv").read_bytes()


def test_file_is_written_after_each_run(quick):
    found = []

    def look(**configuration):
        found.append(recorded() if (results.FOLDER / "toy.csv").exists() else [])
        return run(**configuration)

    recording.record("toy", GRID[:3], look)
    assert found == [[], GRID[:1], GRID[:2]]


@pytest.mark.parametrize("without", ["nothing", "queue"])
def test_what_is_recorded_is_not_run_again(quick, folder, without):
    """Without the queue as after a fresh clone: the CSV file is the record."""
    recording.record("toy", GRID, run)
    before = (folder / "toy.csv").read_bytes()
    if without == "queue":
        (folder / "toy.db").unlink()
    table = recording.record("toy", GRID, never)
    assert len(table) == 4 and (folder / "toy.csv").read_bytes() == before


def test_file_that_was_removed_is_written_from_the_queue(quick, folder):
    recording.record("toy", GRID, run)
    before = (folder / "toy.csv").read_bytes()
    (folder / "toy.csv").unlink()
    recording.record("toy", GRID, never)
    assert (folder / "toy.csv").read_bytes() == before


@pytest.mark.parametrize("without", ["nothing", "queue"])
def test_only_what_is_new_is_run_and_takes_its_place(quick, folder, without):
    recording.record("toy", [GRID[3], GRID[1]], run)
    old = results.read("toy").set_index(["regime", "labels"])
    RAN.clear()
    if without == "queue":
        (folder / "toy.db").unlink()
    new = recording.record("toy", GRID, run)
    assert [GRID[0], GRID[2]] == RAN and recorded() == GRID
    assert new.set_index(["regime", "labels"]).loc[old.index].equals(old), "old rows stay as they are"


@pytest.mark.parametrize("error", [ValueError("no luck"), KeyboardInterrupt()], ids=repr)
def test_failing_run_loses_no_earlier_row_and_is_run_again(quick, error):
    with pytest.raises(type(error)):
        recording.record("toy", GRID, fails_at(GRID[2], error))
    assert recorded() == GRID[:2]
    RAN.clear()
    recording.record("toy", GRID, run)
    assert sorted(map(repr, RAN)) == sorted(map(repr, GRID[2:])) and recorded() == GRID


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_run_that_finished_and_was_not_written_is_written_later(quick, monkeypatch, error):
    def interrupted(*_):
        raise error

    recording.record("toy", GRID[:1], run)
    with monkeypatch.context() as patch:
        patch.setattr(recording, "write_atomically", interrupted)
        with pytest.raises(type(error)):
            recording.record("toy", GRID[:2], run)
    assert recorded() == GRID[:1]
    recording.record("toy", GRID[:2], never)
    assert recorded() == GRID[:2]


def test_no_run_begins_on_a_full_disk(quick, monkeypatch):
    recording.record("toy", GRID[:1], run)
    with monkeypatch.context() as patch:
        patch.setattr(recording.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=9_000_000))
        with pytest.raises(OSError, match="9 MB are free on the disk of .*results: make room for 10"):
            recording.record("toy", GRID[:2], never)
    assert recording.record("toy", GRID[:2], run).labels.tolist() == [1000, 1000]


def test_row_of_an_earlier_worker_is_written_even_where_the_next_run_fails(quick, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recording, "write_atomically", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recording.record("toy", GRID[:1], run)
    with pytest.raises(ValueError, match="no luck"):
        recording.record("toy", GRID[:2], fails_at(GRID[1], ValueError("no luck")))
    assert recorded() == GRID[:1]


def test_two_experiments_do_not_meet(quick):
    recording.record("toy", GRID[:1], run)
    recording.record("other", GRID[:1], run)
    assert GRID[:1] * 2 == RAN and len(results.read("other")) == len(results.read("toy")) == 1


@pytest.mark.parametrize("named", ["argument", "environment"])
def test_queue_may_be_elsewhere(quick, folder, tmp_path, monkeypatch, named):
    address = f"sqlite:///{tmp_path / 'shared.db'}"
    if named == "environment":
        monkeypatch.setenv("TLBOOK_STORAGE", address)
    recording.record("toy", GRID[:1], run, **({"storage": address} if named == "argument" else {}))
    assert (tmp_path / "shared.db").exists() and [path.name for path in folder.iterdir()] == ["toy.csv"]


def test_measured_adds_where_when_and_how_long():
    def spend(seconds):
        start = time.process_time()
        while time.process_time() - start < seconds:
            pass
        time.sleep(seconds)
        return {"accuracy": 0.5, "source": SOURCE}

    row = measuring.measured(spend, {"seconds": 0.2})
    assert list(row) == ["accuracy", *MEASURED]
    assert row["seconds"] >= 0.4 and 0.2 <= row["cpu_seconds"] <= row["seconds"]
    assert 20 < row["peak_memory_mb"] < psutil.virtual_memory().total / 1e6
    assert 1 <= row["cores"] <= psutil.cpu_count()
    assert (row["source"], row["kind"], row["note"]) == (SOURCE.name, SOURCE.kind, SOURCE.note)
    assert row["python"] == platform.python_version() and row["keras"] == importlib.metadata.version("keras")
    today = datetime.datetime.now(datetime.UTC).date()
    assert today - datetime.date.fromisoformat(row["date"]) <= datetime.timedelta(days=1)


def test_peak_memory_is_the_largest_ever():
    before = measuring.measured(run, {})["peak_memory_mb"]
    block = bytearray(200_000_000)
    block[::4096] = b"x" * len(block[::4096])
    with_block = measuring.measured(run, {})["peak_memory_mb"]
    del block
    assert measuring.measured(run, {})["peak_memory_mb"] >= with_block >= before
    assert with_block >= 200


def test_run_without_a_source_is_refused():
    with pytest.raises(KeyError, match="source"):
        measuring.measured(lambda: {"accuracy": 0.5}, {})


def test_cores_are_counted_where_they_cannot_be_chosen(monkeypatch):
    """macOS knows no affinity."""
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert measuring.measured(run, {})["cores"] == 5


def test_package_for_cpus_alone_counts_as_the_package(monkeypatch):
    def version(name):
        if name != "tensorflow-cpu":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert measuring._version("tensorflow") == "2.0" and measuring._version("keras") == ""


def test_an_environment_that_is_rebuilt_under_a_run_leaves_its_versions(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    known = importlib.metadata.version("keras")
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert measuring.measured(run, {})["keras"] == known


def test_each_run_has_a_fresh_process_and_one_that_is_killed_loses_no_row():
    with pytest.raises(concurrent.futures.process.BrokenProcessPool):
        recording.record("toy", [{"stop": 0}, {"stop": 1}], toy_run.run)
    (row,) = results.read("toy").to_dict("records")
    assert row["stop"] == 0 and row["first"] == 1 and row["pid"] != os.getpid()
    assert not psutil.pid_exists(row["pid"])


def test_short_runs_share_a_process_and_one_that_is_killed_is_replaced():
    recording.record("toy", [{"stop": 0}], toy_run.run, fresh=False)
    process = measuring.Process(fresh=False)
    with process:
        first, second = (process.call(toy_run.run, 0) for _ in range(2))
        assert first["pid"] == second["pid"] != os.getpid()
        assert (first["first"], second["first"]) == (1, 0)
        with pytest.raises(concurrent.futures.process.BrokenProcessPool):
            process.call(toy_run.run, 1)
        third = process.call(toy_run.run, 0)
        assert third["pid"] != first["pid"] and third["first"] == 1
    assert not psutil.pid_exists(third["pid"])


DRIVER = """
    import os, pathlib, sys, time
    from tlbook.files import sources

    RUNS, HANGS_AT = map(int, sys.argv[2:])
    MINE = []

    def run(number):
        with open("ran", "a") as file:
            file.write(f"{number}\\n")
        MINE.append(number)
        if len(MINE) == HANGS_AT:
            pathlib.Path("pid.part").write_text(f"{os.getpid()} {number}")
            os.rename("pid.part", "pid")
            time.sleep(600)
        time.sleep(0.1)
        return {"accuracy": 0.5, "source": sources.Source("toy data", "bundled", "")}

    if __name__ == "__main__":
        from experiments import recording
        from tlbook import results

        while not HANGS_AT and not os.path.exists("ran"):
            time.sleep(0.01)  # so that the worker that hangs gets runs at all
        results.FOLDER = pathlib.Path(sys.argv[1])
        recording.record("toy", [{"number": number} for number in range(RUNS)], run, fresh=False, heartbeat=1)
"""


def worker(tmp_path, runs, hangs_at=0):
    """Start another process that records; its run number `hangs_at` never ends."""
    (tmp_path / "driver.py").write_text(textwrap.dedent(DRIVER))
    command = [sys.executable, "driver.py", str(results.FOLDER), str(runs), str(hangs_at)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.PIPE)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def wait_until_it_hangs(process, tmp_path):
    """Wait for the run that never ends; fail where the worker ended instead."""
    wait_for(lambda: (tmp_path / "pid").exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()[1].decode()
    return (tmp_path / "pid").read_text().split()


def test_recording_that_is_killed_resumes_where_it_stopped(quick, folder, tmp_path):
    """Within two heartbeats, not after minutes: the run of a dead worker is given back to the next one."""
    first = worker(tmp_path, 3, hangs_at=2)
    try:
        pid, _ = wait_until_it_hangs(first, tmp_path)
        running = psutil.Process(int(pid))
    finally:
        first.kill()
        first.communicate()
    assert wait_for(lambda: not lives(running)), "the run of a killed worker goes on"
    assert results.read("toy").number.tolist() == [0]
    table = recording.record("toy", [{"number": number} for number in range(3)], run, heartbeat=1)
    assert sorted(configuration["number"] for configuration in RAN) == [1, 2]
    assert table.number.tolist() == [0, 1, 2] and table.accuracy.tolist() == [0.5, 1 / 3, 1 / 3]


def test_three_workers_on_one_file_share_the_runs_and_one_that_is_killed_loses_none(folder, tmp_path):
    """SQLite alone: no run is lost, none is done twice but the one that was interrupted."""
    runs = 12
    dying, *others = worker(tmp_path, runs, hangs_at=3), worker(tmp_path, runs), worker(tmp_path, runs)
    try:
        _, interrupted = wait_until_it_hangs(dying, tmp_path)
        dying.kill()
        dying.communicate()
        for other in others:
            _, errors = other.communicate(timeout=60)
            assert other.returncode == 0, errors.decode()
    finally:
        for process in (dying, *others):
            process.kill()
    ran = (tmp_path / "ran").read_text().split()
    assert results.read("toy").number.tolist() == list(range(runs))
    assert sorted(ran) == sorted([*map(str, range(runs)), interrupted])


def test_run_of_a_worker_that_was_taken_for_dead_counts_once(quick, folder):
    """As after a sleep of the computer: another worker has given the run back while it went on."""
    gave_back = []

    def overslept(**configuration):
        if not gave_back:
            study = work_queue.optuna.load_study(study_name="toy", storage=f"sqlite:///{folder / 'toy.db'}")
            (trial,) = study.get_trials(states=[work_queue.TrialState.RUNNING])
            study.tell(trial.number, state=work_queue.TrialState.FAIL)
            gave_back.append(trial.number)
        return run(**configuration)

    table = recording.record("toy", GRID, overslept)
    assert recorded() == GRID and len(table) == 4
    assert sorted(map(repr, RAN)) == sorted(map(repr, [*GRID, GRID[0]]))


def test_run_that_is_killed_before_its_first_heartbeat_comes_back(quick, folder):
    storage = work_queue.open_storage(f"sqlite:///{folder / 'toy.db'}", heartbeat=1)
    study = work_queue.optuna.create_study(study_name="toy", storage=storage)
    study.enqueue_trial({}, user_attrs={"configuration": GRID[0], "code": ""})
    with pytest.warns(UserWarning, match="Heartbeat"):
        study.ask()  # claims it, and then there is nobody who runs it
    recording.record("toy", GRID[:2], run, heartbeat=1)
    assert [GRID[1], GRID[0]] == RAN, "what another worker has claimed is left to it for a while"
    assert recorded() == GRID[:2]


def test_what_two_workers_queued_at_once_is_run_once(quick, folder):
    storage = work_queue.open_storage(f"sqlite:///{folder / 'toy.db'}", heartbeat=1)
    study = work_queue.optuna.create_study(study_name="toy", storage=storage)
    for configuration in (GRID[0], GRID[0], GRID[1]):
        study.enqueue_trial({}, user_attrs={"configuration": configuration, "code": ""})
    recording.record("toy", GRID[:2], run, heartbeat=1)
    assert RAN == recorded() == GRID[:2]


def test_few_runs_wait_at_a_time_and_all_are_run(quick, folder, monkeypatch):
    monkeypatch.setattr(work_queue, "AHEAD", 2)
    waited = []

    def looks(**configuration):
        study = work_queue.optuna.load_study(study_name="toy", storage=f"sqlite:///{folder / 'toy.db'}")
        waited.append(len(study.get_trials(states=[work_queue.TrialState.WAITING])))
        return run(**configuration)

    recording.record("toy", GRID, looks)
    assert RAN == recorded() == GRID and waited == [1, 1, 1, 0]


def test_whoever_reads_the_queue_has_it_alone(folder):
    """Two workers could read that a run is free, and both take it."""
    storage = work_queue.open_storage(f"sqlite:///{folder / 'toy.db'}", heartbeat=1)
    other = sqlite3.connect(folder / "toy.db", timeout=0)
    with storage.engine.begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_stale_rows_are_run_again_and_stay_until_then(quick, folder):
    recording.record("toy", GRID, run, "old")
    RAN.clear()
    with pytest.raises(ValueError, match="no luck"):
        recording.record("toy", GRID, fails_at(GRID[2], ValueError("no luck")), "new")
    assert recorded() == GRID and results.read("toy").code.tolist() == ["new", "new", "old", "old"]
    recording.record("toy", GRID, run, "new")
    assert sorted(map(repr, RAN)) == sorted(map(repr, GRID)) and set(results.read("toy").code) == {"new"}
    recording.record("toy", GRID, never, "new")


def test_row_of_another_kind_of_table_is_stale_and_stays_as_well(quick, folder):
    """A row without a digest, as tables had before there was one."""
    (folder / "toy.csv").write_text("regime,labels,rate,accuracy,date\nprobe,1000,3e-05,0.5,2026-11-24\n")
    with pytest.raises(ValueError, match="no luck"):
        recording.record("toy", GRID, fails_at(GRID[0], ValueError("no luck")), "new")
    assert results.read("toy").accuracy.tolist() == [0.5]
    assert recording.record("toy", GRID, run, "new").accuracy.tolist() == [1 / 3] * 4


def test_configuration_that_is_gone_leaves_a_complete_table(quick, capsys):
    recording.record("toy", GRID, run)
    recording.record("toy", GRID[:3], never)
    assert recorded() == GRID[:3]


def test_of_two_rows_of_one_configuration_the_later_one_stays(quick, folder):
    """As a merge of two branches may leave them."""
    recording.record("toy", GRID[:1], run, "new")
    header, row = (folder / "toy.csv").read_text().splitlines(keepends=True)
    (folder / "toy.csv").write_text(header + row.replace(",new,", ",old,") + row)
    recording.record("toy", GRID[:1], never, "new")
    assert (folder / "toy.csv").read_text() == header + row


def test_complete_table_needs_no_queue(quick, folder, monkeypatch):
    recording.record("toy", GRID, run)
    (folder / "toy.db").unlink()
    monkeypatch.setattr(recording.work_queue, "opened", never)
    assert len(recording.record("toy", GRID, never)) == 4 and not (folder / "toy.db").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [*lines[:3], lines[3][:-9]],
        lambda lines: [*lines[:3], lines[3][: lines[3].index('"') + 5]],
        lambda lines: [*lines[:3], "," * lines[0].count(",") + "\n"],
        lambda lines: [*lines[:3], lines[3].rpartition(",")[0] + "\n"],
    ],
    ids=["cut off", "cut off in quotes", "blank", "without a date"],
)
def test_row_that_is_not_whole_is_said_and_run_again(quick, folder, capsys, damage):
    recording.record("toy", GRID[:3], run)
    lines = (folder / "toy.csv").read_text().splitlines(keepends=True)
    (folder / "toy.csv").write_text("".join(damage(lines)))
    (folder / "toy.db").unlink()
    RAN.clear()
    capsys.readouterr()
    recording.record("toy", GRID[:3], run)
    said = capsys.readouterr().out
    assert str(folder / "toy.csv") in said and "run again" in said
    assert GRID[2:3] == RAN and recorded() == GRID[:3]


def test_empty_table_and_damaged_queue_are_named_with_their_remedy(quick, folder):
    recording.record("toy", GRID[:2], run)
    queue = folder / "toy.db"
    queue.write_bytes(queue.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"toy\.db.*remove it"):
        recording.record("toy", GRID, run)
    assert recorded() == GRID[:2]
    queue.unlink()
    (folder / "toy.csv").write_text("")
    with pytest.raises(ValueError, match=r"toy\.csv is no table.*git checkout"):
        recording.record("toy", GRID, run)


def test_features_are_computed_anew_in_every_run():
    computed = []

    def extract(**_):
        cache.cached_arrays("features-1", lambda: computed.append(1) or {"a": np.zeros(1)})
        return {"source": SOURCE}

    assert [measuring.measured(extract, {})["cache"] for _ in range(2)] == ["cold", "cold"]
    assert computed == [1, 1] and "TLBOOK_COMPUTED" not in os.environ
