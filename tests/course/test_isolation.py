"""What hostile submissions can do: nothing that reaches another one, the checks, or this machine. Each is named."""

import sys

import pytest

from course import grade, isolation, submission, tables
from small_course import GOOD, ROOT, hand_in, small  # noqa: F401 (fixtures)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a cell for submissions needs Linux")
LIMITS = isolation.Limits(cpu_s=2, wall_s=8, memory_mb=500, scratch_mb=16, made_mb=8, processes=160)


@pytest.fixture(scope="module", autouse=True)
def cell():
    """Skip where the system offers no isolation, as the grader would refuse to start."""
    try:
        isolation.try_it()
    except isolation.NoIsolation as error:
        pytest.skip(f"this system offers no isolation: {error}")


@pytest.fixture
def graded(small, hand_in, tmp_path):
    """Return a function that grades one submission between two good ones, and gives back its state."""

    def run(*sources):
        hand_in("ann", *GOOD)
        hand_in("mallory", *sources)
        folder = hand_in("zoe", *GOOD)
        done = grade.Grading(small, tmp_path / "graded", LIMITS, workers=2)
        ann, mallory, zoe = done.run(submission.all_in(folder), say=lambda words: None)
        assert tables.total(ann) == tables.total(zoe) == 5, "the others keep their marks"
        assert not ann["notes"], "and nothing is said of them"
        return mallory

    return run


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("while True: pass", "time"),
        ("import time\ntime.sleep(60)", "time"),
        ("eaten = []\nwhile True: eaten.append(bytearray(20_000_000))", "memory"),
        ("import os\nwhile True: os.fork()", "processes"),
        ("import os\nos._exit(0)", "left"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "nothing"),
    ],
    ids=["loops", "sleeps", "eats memory", "forks", "leaves with 0", "is killed"],
)
def test_what_takes_too_much_is_ended_and_named(graded, source, ending):
    state = graded(*GOOD, source)
    assert state["ending"] == ending
    assert tables.total(state) == 0
    assert all(state["words"] in one["words"] for one in state["results"])


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("import sys\nsys.exit(0)", "SystemExit: 0"),
        ("open('full', 'wb').write(bytes(30 << 20))", "OSError"),
        ("for i in range(99): open(f'/dev/shm/{i}', 'wb').write(bytes(1 << 20))", "No space left"),
        ("import socket\nsocket.create_connection(('1.1.1.1', 80), 2)", "Network is unreachable"),
        ("import urllib.request\nurllib.request.urlopen('http://localhost:8888')", "URLError"),
        ("import os\nos.kill(1, 9)\nos.kill(os.getppid(), 9)\nraise ValueError('first lives')", "first lives"),
        ("import shutil, sys\nshutil.rmtree(sys.prefix)", "Read-only file system"),
        (f"open({str(ROOT / 'course' / 'check.py')!r})", "FileNotFoundError"),
        ("import course.check", "ImportError"),
        ("open('/grader/task.json', 'w')", "Read-only file system"),
        ("open('/etc/passwd')", "FileNotFoundError"),
    ],
)
def test_what_is_forbidden_fails_and_the_rest_still_counts(graded, source, error):
    state = graded(*GOOD, source)
    assert state["ending"] == "whole" and tables.total(state) == 5
    [(cell, words)] = state["errors"]
    assert cell == "cell 4" and error in words


def test_nothing_of_the_checks_or_of_others_is_in_reach(graded, tmp_path):
    search = """
import pathlib
found = []
for place in ("/", "/tmp", "/home", "/root", "/work", "/grader", "/scratch", "/made"):
    for path in pathlib.Path(place).rglob("*") if place != "/" else pathlib.Path("/").iterdir():
        if path.suffix in (".ipynb", ".csv") and "results" not in path.parts and "site-packages" not in path.parts:
            found.append(str(path))
hidden = pathlib.Path("/grader/task.json").read_text().count("assert")
raise ValueError(f"{len(found)} found, {hidden} asserts, {found[:3]}")
"""
    state = graded(*GOOD, search)
    [(_, words)] = state["errors"]
    assert words.startswith("ValueError: 0 found, 0 asserts"), words
    assert "tried to read /" in state["notes"]


@pytest.mark.parametrize(
    "source",
    [
        "import builtins\nbuiltins.AssertionError = ValueError",
        "import builtins\nbuiltins.all = builtins.any = lambda x: True",
    ],
)
def test_patched_asserts_change_no_mark_and_are_named(graded, source):
    bad = ("def add(a, b):\n    return a - b", GOOD[2])
    state = graded(*bad, source)
    assert [one["marks"] for one in state["results"]] == [0, 2]
    assert any("exchanged" in note for note in state["notes"])


def test_an_answer_that_equals_everything_earns_nothing(graded):
    """It gets full marks from nbgrader and from otter-grader, whose checks run in the submission's own process."""
    always = "class Always:\n    def __eq__(self, other): return True\n"
    state = graded("import numpy as np", always + "def add(a, b): return Always()\ndef mean(x): return Always()")
    assert tables.total(state) == 0
    assert "expected numbers or words" in state["results"][0]["words"]


def test_attempts_are_noted_for_the_teacher(graded):
    source = "import os, socket, subprocess\ntry: subprocess.run(['true'])\nfinally: pass\nos.listdir('/home')"
    state = graded(*GOOD, source)
    assert "started other processes" in state["notes"]
    assert tables.total(state) == 5


def test_a_process_that_is_left_behind_ends_with_the_cell(graded, tmp_path):
    state = graded(*GOOD, "import subprocess\nsubprocess.Popen(['sleep', '71'], start_new_session=True)")
    assert tables.total(state) == 5
    import psutil

    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "71"]]


def test_what_cannot_be_read_is_named(small, hand_in, tmp_path):
    folder = hand_in("ann", *GOOD)
    (folder / "bob.ipynb").write_bytes(b"\x00 no notebook")
    (folder / "eve.ipynb").write_text('{"cells": [{"cell_type": "code"}]}')
    states = grade.Grading(small, tmp_path / "g", LIMITS).run(submission.all_in(folder), say=lambda words: None)
    assert [tables.total(one) for one in states] == [5, 0, 0]
    assert states[1]["ending"] == states[2]["ending"] == "unreadable"


def test_without_isolation_nothing_starts_unless_it_is_asked_for(small, hand_in, tmp_path, monkeypatch, capsys):
    def none(*_):
        raise isolation.NoIsolation("a cell for submissions needs Linux, and this is win32")

    monkeypatch.setattr(isolation, "_in_a_cell", none)
    folder, into = hand_in("ann", *GOOD), tmp_path / "g"
    command = [str(small.folder), str(folder), "--into", str(into), "--workers", "1"]
    assert grade.main(command) == 2
    said = capsys.readouterr().err
    assert "Nothing was graded" in said and "read the hidden checks" in said and not into.exists()
    assert grade.main([*command, "--without-isolation"]) == 0
    assert "WARNING" in capsys.readouterr().err
    assert "ann,5,5,whole" in (into / "grades.csv").read_text()
