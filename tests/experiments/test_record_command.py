"""`make record` and `python -m experiments`: however they are ended, nothing goes on, and the next one completes."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import types

import psutil
import pytest
from conftest import lives

import experiments.__main__ as command
from experiments import original, work_queue
from tlbook import results
from tlbook.files import sources

ROOT = pathlib.Path(__file__).parents[2]
TOY = """
import pathlib, time
from experiments import recording
from experiments.protocol import Measurement
from tlbook import results
from tlbook.files import sources

results.FOLDER = pathlib.Path("results")

def measure(number):
    if number and not pathlib.Path("go").exists():
        pathlib.Path("waits").touch()
        time.sleep(600)
    return {"twice": 2 * number, "source": sources.Source("toy data", "bundled", "")}

EXPERIMENT = Measurement(name="toy", question="", design={"number": (0, 1)}, measure=measure)

if __name__ == "__main__":
    recording.record("toy", EXPERIMENT.configurations(), EXPERIMENT.run, heartbeat=1)
"""
MAKEFILE = f"record:\n\texec {sys.executable} tools/processes.py $$PPID {sys.executable} -m experiments\n"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals")]


@pytest.fixture
def folder(tmp_path):
    """A copy of what records, with one experiment, whose second run waits for the file `go`."""
    for name in ("experiments", "tools", "results"):
        (tmp_path / name).mkdir()
    for path in (ROOT / "experiments").glob("*.py"):
        if not re.search(r"^EXPERIMENT = ", path.read_text(), re.MULTILINE):
            shutil.copy(path, tmp_path / "experiments")
    for name in ("processes.py", "closed.py", "whole_map.py"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools")
    (tmp_path / "experiments" / "toy.py").write_text(TOY)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return tmp_path


def start(folder, *command):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    with open(folder / "log", "a") as log:
        return psutil.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)


@pytest.mark.parametrize(
    "first, name",
    [("make", "SIGINT"), ("make", "SIGTERM"), ("make", "SIGKILL"), ("python", "SIGTERM"), ("python", "SIGKILL")],
)
def test_a_killed_recording_leaves_no_process_and_the_next_one_completes(folder, first, name):
    if first == "make" and not shutil.which("make"):
        pytest.skip("needs make")
    record = ["make", "record"] if first == "make" else [sys.executable, "-m", "experiments"]
    handlers = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM)}
    process = start(folder, *record)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    deadline = time.monotonic() + 90
    while not (folder / "waits").exists():
        assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.05)
    below = process.children(recursive=True)
    assert len(below) >= 3  # guards, the process of the experiment, that of the run
    process.send_signal(getattr(signal, name))
    deadline = time.monotonic() + 10
    while (left := [one for one in below if lives(one)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for one in left:
        one.kill()
    assert not left, left
    assert process.wait(10) != 0
    (folder / "go").touch()
    assert start(folder, sys.executable, "-m", "experiments").wait(60) == 0, (folder / "log").read_text()
    rows = (folder / "results" / "toy.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["0", "0"], ["1", "2"]]
    assert sorted(path.name for path in (folder / "results").iterdir()) == ["toy.csv", "toy.db"]


def test_how_long_the_death_of_a_worker_goes_unnoticed_is_stated():
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert f"noticed after {2 * work_queue.HEARTBEAT} seconds" in text
    storage = work_queue.open_storage("sqlite://", work_queue.HEARTBEAT)
    assert storage.get_heartbeat_interval() == work_queue.HEARTBEAT and storage.grace_period is None


def test_unknown_experiments_are_named():
    ran = subprocess.run([sys.executable, "-m", "experiments", "none"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 2 and "got none, expected some of" in ran.stderr


def commands_of(monkeypatch, *arguments):
    """What `python -m experiments` starts and where it lays the map together, with nothing run."""
    started, laid = [], []
    ran = subprocess.CompletedProcess([], 0)
    monkeypatch.setattr(command.subprocess, "run", lambda asked: started.append(asked[asked.index("-m") + 1 :]) or ran)
    monkeypatch.setattr(command.whole_map, "write", lambda folder: laid.append(folder))
    assert command.main(arguments) == 0
    return started, laid


def test_the_original_is_recorded_beside_the_copy(monkeypatch):
    started, laid = commands_of(monkeypatch, "map_scratch", "wikigold")
    assert started == [["experiments.map_scratch"], ["experiments.wikigold"]] and laid == [ROOT / "results"]
    started, laid = commands_of(monkeypatch, "--data", "original")
    assert started == [["experiments.original", name] for name in command.whole_map.TABLES]
    assert laid == [ROOT / "results" / "original"] == [original.FOLDER]
    assert commands_of(monkeypatch, "--data", "original", "wikigold") == ([["experiments.original", "wikigold"]], [])


def test_no_mirror_is_asked_for_the_original(monkeypatch, tmp_path):
    seen = {}

    def found(asset):
        seen["file"] = asset.file_name, [name for name in original.OTHERS if name in os.environ]

    toy = types.SimpleNamespace(EXPERIMENT=types.SimpleNamespace(record=lambda: results.FOLDER))
    monkeypatch.setitem(sys.modules, "experiments.toy", toy)
    monkeypatch.setattr(original.sources, "find", found)
    monkeypatch.setattr(original, "FOLDER", tmp_path / "original")
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    for name in (*original.OTHERS, "TLBOOK_RESULTS"):
        monkeypatch.setenv(name, "something")
    assert original.record("toy") == tmp_path / "original" and original.FOLDER.is_dir()
    asked = subprocess.run(  # what the process of a run would read
        [sys.executable, "-c", "from tlbook import results; print(results.FOLDER)"], capture_output=True, text=True
    )
    assert asked.stdout.strip() == str(tmp_path / "original")
    assert seen["file"] == ("cifar-10-python.tar.gz", [])


def test_without_the_original_nothing_is_recorded(monkeypatch, tmp_path):
    monkeypatch.setattr(original, "FOLDER", tmp_path / "original")
    for name in original.OTHERS:
        monkeypatch.setenv(name, str(tmp_path))  # a mirror without a manifest would be another error
    with pytest.raises(sources.NotFound, match="Ways to get it"):
        original.record("map_scratch")
    assert not original.FOLDER.exists()
