"""Recording: what is missing is run, in order and in a process of its own, and nothing that was finished is lost."""

import concurrent.futures
import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
import textwrap
import threading
import time

import pandas as pd
import psutil
import pytest

from experiments import recording
from tlbook import results
from tlbook.files import sources

SOURCE = sources.Source("toy data", "bundled", 'A note, with a comma and "quotes".')
GRID = [{"regime": regime, "labels": labels, "rate": 3e-5} for labels in (1000, 100) for regime in ("probe", "all")]
RAN = []


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
    monkeypatch.setattr(recording.concurrent.futures, "ProcessPoolExecutor", InThisProcess)


def recorded():
    """The configurations in the file, in its order."""
    table = results.read("toy")
    return table[["regime", "labels", "rate"]].to_dict("records") if len(table) else []


def test_everything_is_run_once_and_written_in_order(quick, folder, capsys):
    table = recording.record("toy", GRID, run)
    assert RAN == recorded() == GRID
    pd.testing.assert_frame_equal(table, pd.read_csv(folder / "toy.csv"))
    assert list(table.columns) == ["regime", "labels", "rate", "accuracy", *results.PROVENANCE]
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


def test_two_workers_share_the_runs_and_both_get_all_rows(quick, monkeypatch, tmp_path):
    """On one storage, and each with a folder of its own, as on two machines."""
    folders = threading.local()
    monkeypatch.setattr(recording, "results", Machine(folders))
    # SQLite has no locks on rows, which a server for several machines has: this plays them.
    lock, set_state = threading.Lock(), recording.optuna.storages.RDBStorage.set_trial_state_values

    def set_locked(*arguments, **options):
        with lock:
            return set_state(*arguments, **options)

    monkeypatch.setattr(recording.optuna.storages.RDBStorage, "set_trial_state_values", set_locked)
    storage, tables = f"sqlite:///{tmp_path / 'shared.db'}", {}
    recording._storage(storage)
    both_are_here = threading.Barrier(2)

    def slow(**configuration):
        time.sleep(1.5 if configuration == GRID[3] else 0.1)  # one waits for the other's last run
        return run(**configuration)

    def work(name):
        folders.folder = tmp_path / name
        folders.folder.mkdir()
        both_are_here.wait(120)
        tables[name] = recording.record("toy", GRID, slow, storage)

    workers = [threading.Thread(target=work, args=(name,)) for name in ("first", "second")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(240)
    assert sorted(map(repr, RAN)) == sorted(map(repr, GRID)), "each once"
    for name in ("first", "second"):
        assert tables[name][["regime", "labels", "rate"]].to_dict("records") == GRID


class Machine:
    """Plays `tlbook.results` with another folder in each thread."""

    PROVENANCE = results.PROVENANCE

    def __init__(self, folders):
        self.folders = folders

    @property
    def FOLDER(self):  # noqa: N802
        return self.folders.folder

    def read(self, name):
        return pd.read_csv(self.FOLDER / f"{name}.csv")


def test_measured_adds_where_when_and_how_long():
    def spend(seconds):
        start = time.process_time()
        while time.process_time() - start < seconds:
            pass
        time.sleep(seconds)
        return {"accuracy": 0.5, "source": SOURCE}

    row = recording.measured(spend, {"seconds": 0.2})
    assert list(row) == ["accuracy", *results.PROVENANCE]
    assert row["seconds"] >= 0.4 and 0.2 <= row["cpu_seconds"] <= row["seconds"]
    assert 20 < row["peak_memory_mb"] < psutil.virtual_memory().total / 1e6
    assert 1 <= row["cores"] <= psutil.cpu_count()
    assert (row["source"], row["kind"], row["note"]) == (SOURCE.name, SOURCE.kind, SOURCE.note)
    assert row["python"] == platform.python_version() and row["keras"] == importlib.metadata.version("keras")
    today = datetime.datetime.now(datetime.UTC).date()
    assert today - datetime.date.fromisoformat(row["date"]) <= datetime.timedelta(days=1)


def test_peak_memory_is_the_largest_ever():
    before = recording.measured(run, {})["peak_memory_mb"]
    block = bytearray(200_000_000)
    block[::4096] = b"x" * len(block[::4096])
    with_block = recording.measured(run, {})["peak_memory_mb"]
    del block
    assert recording.measured(run, {})["peak_memory_mb"] >= with_block >= before
    assert with_block >= 200


def test_run_that_measures_itself_knows_better():
    row = recording.measured(lambda: {"source": SOURCE, "seconds": 7.5, "peak_memory_mb": 3}, {})
    assert row["seconds"] == 7.5 and row["peak_memory_mb"] == 3
    assert set(row) == set(results.PROVENANCE)


def test_run_without_a_source_is_refused():
    with pytest.raises(KeyError, match="source"):
        recording.measured(lambda: {"accuracy": 0.5}, {})


def test_cores_are_counted_where_they_cannot_be_chosen(monkeypatch):
    """On macOS psutil knows no affinity."""
    monkeypatch.delattr(psutil.Process, "cpu_affinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert recording.measured(run, {})["cores"] == 5


def test_package_for_cpus_alone_counts_as_the_package(monkeypatch):
    def version(name):
        if name != "tensorflow-cpu":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    row = recording.measured(run, {})
    assert row["tensorflow"] == "2.0" and row["keras"] == ""


def in_its_own_process(stop):
    if stop:
        os._exit(9)  # as a process that is killed for the memory it takes
    first = not hasattr(sources, "MARK")
    sources.MARK = True
    return {"pid": os.getpid(), "first": int(first), "source": SOURCE}


def test_each_run_has_a_fresh_process_and_one_that_is_killed_loses_no_row():
    with pytest.raises(concurrent.futures.process.BrokenProcessPool):
        recording.record("toy", [{"stop": 0}, {"stop": 1}], in_its_own_process)
    (row,) = results.read("toy").to_dict("records")
    assert row["stop"] == 0 and row["first"] == 1 and row["pid"] != os.getpid()
    assert not psutil.pid_exists(row["pid"])


def test_short_runs_share_a_process_and_one_that_is_killed_is_replaced():
    recording.record("toy", [{"stop": 0}], in_its_own_process, fresh=False)
    process = recording._Process(fresh=False)
    with process:
        first, second = (process.call(in_its_own_process, 0) for _ in range(2))
        assert first["pid"] == second["pid"] != os.getpid()
        assert (first["first"], second["first"]) == (1, 0)
        with pytest.raises(concurrent.futures.process.BrokenProcessPool):
            process.call(in_its_own_process, 1)
        third = process.call(in_its_own_process, 0)
        assert third["pid"] != first["pid"] and third["first"] == 1
    assert not psutil.pid_exists(third["pid"])


DRIVER = """
    import os, pathlib, sys, time

    def run(number):
        if number == 1:
            pathlib.Path("pid.part").write_text(str(os.getpid()))
            os.rename("pid.part", "pid")
            time.sleep(600)
        return {"accuracy": 0.5, "source": sources.Source("toy data", "bundled", "")}

    if __name__ == "__main__":
        results.FOLDER = pathlib.Path(sys.argv[1])
        recording.record("toy", [{"number": number} for number in range(3)], run)
"""


def wait_for(condition, seconds=240):
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def alive(pid):
    """Return whether a process still runs: one that nobody has asked for its exit code has ended all the same."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_recording_that_is_killed_resumes_where_it_stopped(quick, folder, tmp_path, monkeypatch):
    (tmp_path / "driver.py").write_text(textwrap.dedent(DRIVER))
    worker = subprocess.Popen([sys.executable, "driver.py", folder], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        assert wait_for((tmp_path / "pid").exists)
    finally:
        worker.kill()
        worker.wait()
    pid = int((tmp_path / "pid").read_text())
    assert wait_for(lambda: not alive(pid), 60), "the run of a killed worker goes on"
    assert results.read("toy").number.tolist() == [0]

    class Impatient(recording.optuna.storages.RDBStorage):
        """A worker that is silent for two seconds is taken for dead, not after two minutes."""

        def __init__(self, *arguments, heartbeat_interval, **options):
            super().__init__(*arguments, heartbeat_interval=1, **options)

    monkeypatch.setattr(recording.optuna.storages, "RDBStorage", Impatient)
    table = recording.record("toy", [{"number": number} for number in range(3)], run)
    assert sorted(configuration["number"] for configuration in RAN) == [1, 2]
    assert table.number.tolist() == [0, 1, 2] and table.accuracy.tolist() == [0.5, 1 / 3, 1 / 3]
