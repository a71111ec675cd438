"""What hostile submissions can do: nothing that reaches another one, the checks, or this machine. Each is named.

All are graded together, once, between honest ones.
"""

import sys

import psutil
import pytest
from small_course import GOOD, ROOT, hand_in, write_small
from submissions import needs_isolation, only_with_all

from course import grade, isolation, submission, tables

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a cell for submissions needs Linux"),
    # They fork without end, fill disks and delete: run them where nothing is lost if a wall does not hold.
    only_with_all,
    pytest.mark.slow,
]
LIMITS = isolation.Limits(cpu_s=4, wall_s=30, memory_mb=500, scratch_mb=16, made_mb=8, processes=160)
# From a name to what the last cell does, and how the run is called.
ENDED = {
    "loops": ("while True: pass", "time"),
    "eats_memory": ("eaten = []\nwhile True: eaten.append(bytearray(20_000_000))", "memory"),
    "forks": ("import os\nwhile True: os.fork()", "processes"),
    "leaves": ("import os\nos._exit(0)", "left"),
    "is_killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "nothing"),
}
# From a name to what a cell does, and a part of the error that the student reads.
REFUSED = {
    "raises": ("raise ValueError('no')", "ValueError: no"),
    "exits": ("import sys\nsys.exit(0)", "SystemExit: 0"),
    "fills_a_file": ("open('full', 'wb').write(bytes(30 << 20))", "OSError"),
    "fills_the_disk": ("for i in range(99): open(f'{i}', 'wb').write(bytes(1 << 20))", "No space left"),
    "opens_a_socket": ("import socket\nsocket.create_connection(('1.1.1.1', 80), 2)", "Network is unreachable"),
    "asks_localhost": ("import urllib.request\nurllib.request.urlopen('http://localhost:8888')", "URLError"),
    "kills": ("import os\nos.kill(1, 9)\nos.kill(os.getppid(), 9)\nraise ValueError('it lives')", ""),
    "deletes": ("import shutil, sys\nshutil.rmtree(sys.prefix)", "Read-only file system"),
    "reads_the_checks": (f"open({str(ROOT / 'course' / 'check.py')!r})", "FileNotFoundError"),
    "imports_the_checks": ("import course.check", "No module named 'course.check'"),
    "changes_the_task": ("open('/grader/task.json', 'w')", "Read-only file system"),
    "reads_users": ("open('/etc/passwd')", "FileNotFoundError"),
}
SEARCH = """
import os, pathlib
found, known = [], {"lib", "lib64", "include", "share", "results", "tlbook"}  # Python itself, and the book's own
for place in ("tmp", "home", "root", "work", "grader", "scratch", "made", "var", "srv", "mnt", "opt"):
    for folder, below, files in os.walk(f"/{place}"):
        below[:] = [name for name in below if name not in known]
        found += [f"{folder}/{name}" for name in files if name.endswith((".ipynb", ".csv"))]
hidden = pathlib.Path("/grader/task.json").read_text().count("gnorw si mus A"[::-1])
raise ValueError(f"{len(found)} found, {hidden} checks, {found[:3]}")
"""
WRONG = "def add(a, b):\n    return a - b"
ALWAYS = """class Always:
    def __eq__(self, other): return True

def add(a, b): return Always()

def mean(x): return Always()
"""
OTHERS = {
    "ann": GOOD,
    "searches": (*GOOD, SEARCH),
    "patches_assert": (WRONG, GOOD[2], "import builtins\nbuiltins.AssertionError = ValueError"),
    "patches_all": (WRONG, GOOD[2], "import builtins\nbuiltins.all = builtins.any = lambda x: True"),
    "equals_all": ("import numpy as np", ALWAYS),
    "leaves_a_process": (*GOOD, "import subprocess\nsubprocess.Popen(['sleep', '71.5'], start_new_session=True)"),
    "zoe": GOOD,
}


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """Grade all, and return a dict from name to state. Skip where the grader would refuse to start."""
    needs_isolation()
    folder = tmp_path_factory.mktemp("course")
    hostile = {name: (*GOOD, source) for name, (source, _) in (ENDED | REFUSED).items()}
    handed_in = hand_in(folder / "in", **OTHERS, **hostile)
    (handed_in / "no_notebook.ipynb").write_bytes(b"\x00 no notebook")
    grading = grade.Grading(write_small(folder), folder / "out", LIMITS, workers=2)
    done = grading.run(submission.all_in(handed_in), say=lambda words: None)
    return {state["student"]: state for state in done}


@pytest.mark.parametrize("name", ["ann", "zoe"])
def test_the_others_keep_their_marks(states, name):
    assert tables.total(states[name]) == 5 and states[name]["ending"] == "whole"
    assert not states[name]["notes"] and not states[name]["errors"]


@pytest.mark.parametrize("name", ENDED)
def test_what_takes_too_much_is_ended_and_named(states, name):
    state = states[name]
    assert state["ending"] == ENDED[name][1]
    assert tables.total(state) == 0
    assert all(state["words"] in one["words"] for one in state["results"])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_forbidden_fails_and_the_rest_still_counts(states, name):
    state = states[name]
    assert state["ending"] == "whole" and tables.total(state) == 5
    [(cell, words)] = state["errors"]
    assert cell == "cell 4" and REFUSED[name][1] in words


def test_nothing_of_the_checks_or_of_others_is_in_reach(states):
    [(_, words)] = states["searches"]["errors"]
    assert words.startswith("ValueError: 0 found, 0 checks"), words
    assert any(note.startswith("tried to read /") for note in states["searches"]["notes"])


@pytest.mark.parametrize("name", ["patches_assert", "patches_all"])
def test_patched_asserts_change_no_mark_and_are_named(states, name):
    assert [one["marks"] for one in states[name]["results"]] == [0, 2]
    assert any("exchanged" in note for note in states[name]["notes"])


def test_an_answer_that_equals_everything_earns_nothing(states):
    """It gets full marks from nbgrader and from otter-grader, whose checks run in the submission's own process."""
    assert tables.total(states["equals_all"]) == 0
    assert "expected numbers or words" in states["equals_all"]["results"][0]["words"]


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("opens_a_socket", "tried to reach the network"),
        ("leaves_a_process", "started other processes"),
        ("reads_users", "tried to read /etc/passwd"),
        ("deletes", "tried to delete"),
    ],
)
def test_attempts_are_noted_for_the_teacher(states, name, note):
    assert any(note in said for said in states[name]["notes"])


def test_a_process_that_is_left_behind_ends_with_the_cell(states):
    assert tables.total(states["leaves_a_process"]) == 5
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "71.5"]]


def test_what_cannot_be_read_is_named(states):
    assert states["no_notebook"]["ending"] == "unreadable" and tables.total(states["no_notebook"]) == 0


def test_without_isolation_nothing_starts_unless_it_is_asked_for(tmp_path, monkeypatch, capsys):
    def none(*_):
        raise isolation.NoIsolation("a cell for submissions needs Linux, and this is win32")

    monkeypatch.setattr(isolation, "_in_a_cell", none)
    folder, into = hand_in(tmp_path / "in", ann=GOOD), tmp_path / "out"
    command = [str(write_small(tmp_path).folder), str(folder), "--into", str(into), "--workers", "1"]
    assert grade.main(command) == 2
    said = capsys.readouterr().err
    assert "Nothing was graded" in said and "read the hidden checks" in said and not into.exists()
    assert grade.main([*command, "--without-isolation"]) == 0
    assert "WARNING" in capsys.readouterr().err
    assert "ann,5,5,whole" in (into / "grades.csv").read_text()
