"""Grading: the same twice, whole after a kill, tables that platforms read, pages that run nothing."""

import csv
import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from small_course import GOOD, ROOT, hand_in, write_small

from course import check, grade, made, outcome, state, submission, tables

WRONG = (*GOOD[:2], "def mean(x):\n    raise ValueError('<script>alert(1)</script>')")


def graded(task, folder, into):
    """Grade without a cell: what is tested here runs everywhere."""
    states = grade.Grading(task, into, isolated=False).run(submission.all_in(folder), say=lambda words: None)
    grade.write(task, states, folder, into)
    return {path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_grading_twice_gives_the_same_files_and_feedback_runs_nothing(tmp_path):
    task, folder = write_small(tmp_path), hand_in(tmp_path / "in", ann=GOOD, bob=WRONG)
    first, second = graded(task, folder, tmp_path / "one"), graded(task, folder, tmp_path / "two")
    assert first == second == graded(task, folder, tmp_path / "one")
    assert first["grades.csv"].decode().splitlines() == [
        "student,marks,of,run,sums,means",
        "ann,5,5,whole,3,2",
        "bob,3,5,whole,3,0",
    ]
    page = first["feedback/bob.html"].decode()
    assert "3 of 5 marks" in page and "Read again: chapter 2" in page
    assert "ValueError: &lt;script&gt;" in page and "<script" not in page and "http" not in page


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_killed_half_way_and_resumed_it_gives_the_same(tmp_path):
    task = write_small(tmp_path)
    slow = "import time\ntime.sleep(0.5)"
    folder = hand_in(tmp_path / "in", ann=GOOD, bob=(*WRONG, slow), eve=(*GOOD, slow), zoe=GOOD)
    whole = graded(task, folder, tmp_path / "whole")
    into = tmp_path / "killed"
    command = [sys.executable, "-m", "course.grade", str(task.folder), str(folder), "--into", str(into)]
    command += ["--workers", "1", "--without-isolation"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not list((into / "state").glob("*.json")) and time.monotonic() < end:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in (into / "state").glob("*.json")}
    assert 0 < len(kept) < 4 and not (into / "grades.csv").exists()
    for path in into.rglob("*.partial"):  # what a kill may leave
        path.unlink()
    assert graded(task, folder, into) == whole
    assert all((into / "state" / name).stat().st_mtime_ns == when for name, when in kept.items()), "graded once"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a program called sleep")
def test_what_a_submission_leaves_behind_without_a_cell_keeps_nobody_waiting(tmp_path):
    left = "import subprocess\nleft = subprocess.Popen(['sleep', '72.5'], start_new_session=True)"
    folder = hand_in(tmp_path / "in", ann=(*GOOD, left, "print('x' * 99_999)"))
    assert b"ann,5,5,whole" in graded(write_small(tmp_path), folder, tmp_path / "out")["grades.csv"]
    [still] = [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "72.5"]]
    still.kill()


def test_checks_that_do_not_end_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "PATIENCE_S", 0.01)
    with pytest.raises(RuntimeError, match=r"the checks of small took longer than 0\.01 s"):
        check.apart(write_small(tmp_path), tmp_path, b"", tmp_path)


def test_no_check_disturbs_the_next(tmp_path):
    task = write_small(tmp_path)
    spoils = "probe['a'] += 1\ntruth['b'] = 0\nmade['mean'] = 0"
    task.checks[0] = dataclasses.replace(task.checks[0], source=spoils)
    probe, truth = task.probe()
    results, _ = check.marks(task, probe, truth, {"sum": probe["a"], "mean": 2}, {}, {})
    assert [one["marks"] for one in results] == [3, 2]
    assert probe["a"].tolist() == [0, 1, 2, 3, 4] and truth == {"b": 7}


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="this system knows no such signals")
def test_who_was_killed_by_the_system_is_not_told_of_a_loop():
    assert outcome.of_exit(-signal.SIGXCPU, b"").ending == "time"
    assert outcome.of_exit(-signal.SIGKILL, b"").ending == "killed" and "memory" in outcome.ENDINGS["killed"]


def test_an_end_is_told_where_the_system_knows_no_signals(monkeypatch):
    for name in ("SIGXCPU", "SIGKILL"):
        monkeypatch.delattr(signal, name, raising=False)
    assert outcome.of_exit(0, b"made").ending == "whole" and outcome.of_exit(1, b"").ending == "left"


def test_a_damaged_or_an_old_state_is_none(tmp_path):
    states = state.States(tmp_path)
    states.keep("ann", {"digest": "a", "marks": 3})
    assert states.get("ann", "a") == {"digest": "a", "marks": 3}
    assert states.get("ann", "b") is None and states.get("bob", "a") is None
    (tmp_path / "ann.json").write_text('{"digest": "a", "mar')
    assert states.get("ann", "a") is None


def a_state(student, *words):
    results = [
        {"check": name, "of": of, "words": said, "marks": 0 if said else of}
        for name, of, said in zip(("sums", "means"), (3, 2), words, strict=True)
    ]
    return {"student": student, "ending": "whole", "words": "ran", "results": results, "errors": [], "notes": []}


def test_moodle_and_canvas_get_their_columns(tmp_path):
    task = write_small(tmp_path)
    names = ["Ann Lee_204_assignsubmission_file", "leebob_17_99_small", "zoe"]
    (tmp_path / "students.csv").write_text("student,name,id,login\nzoe,Zoë Li,7,zli\n", encoding="utf-8")
    states = [a_state(names[0], "", ""), a_state(names[1], "", "no"), a_state(names[2], "no", "no")]
    known = tables.people(tmp_path, names)
    moodle = list(csv.DictReader(tables.moodle(task, states, known).splitlines()))
    assert [row["Full name"] for row in moodle] == ["Ann Lee", "leebob", "Zoë Li"]
    assert [row["Small"] for row in moodle] == ["5", "3", "0"]
    assert moodle[1]["Small (feedback)"] == "Not yet: means." and moodle[2]["Username"] == "zli"
    canvas = list(csv.DictReader(tables.canvas(task, states, known).splitlines()))
    assert list(canvas[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Small"]
    assert canvas[0]["Student"].strip() == "Points Possible" and canvas[0]["Small"] == "5"
    assert [row["ID"] for row in canvas[1:]] == ["204", "17", "7"]


def test_no_name_becomes_a_formula_or_another_folder():
    assert tables.text(["student"], [["=1+1"], ["@x"], ["ann"]]).splitlines() == ["student", "'=1+1", "'@x", "ann"]
    for name in ("../../x", "..", "a/b", "c:d", "x" * 9):
        assert "/" not in state.file_name(name) and not state.file_name(name).startswith(".")


def test_submissions_are_files_or_folders_with_one_notebook(tmp_path):
    hand_in(tmp_path, bob=GOOD)
    hand_in(tmp_path / "ann", work=GOOD)
    (tmp_path / "eve.ipynb").symlink_to("/etc/passwd")
    assert [one.student for one in submission.all_in(tmp_path)] == ["ann", "bob"]
    hand_in(tmp_path / "ann", second=GOOD)
    with pytest.raises(ValueError, match="got 2 notebooks, expected one"):
        submission.all_in(tmp_path)
    with pytest.raises(ValueError, match="SUBMISSIONS: got"):
        submission.all_in(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"cells": 3}', b'{"cells": [{}]}', b"[" * 100_000])
def test_what_is_no_notebook_is_refused(content):
    with pytest.raises(submission.Unreadable):
        submission.code_cells(content)


def test_a_file_of_a_submission_is_read_without_running_anything(tmp_path):
    path = tmp_path / "made.npz"
    made.write(path, {"a": [1, 2], "name": "x"}, {"errors": []})
    arrays, report = made.read(path)
    assert arrays["a"].tolist() == [1, 2] and str(arrays["name"]) == "x" and report == {"errors": []}
    np.savez(path, a=np.array([print], dtype=object))
    with pytest.raises(made.NotPlain, match="allow_pickle"):
        made.read(path)
    np.savez_compressed(path, a=np.zeros(10_000_000))
    with pytest.raises(made.NotPlain, match="compressed"):
        made.read(path)
    path.write_bytes(b"PK no zip")
    with pytest.raises(made.NotPlain):
        made.read(path)
    with pytest.raises(made.NotPlain, match="got builtin_function_or_method"):
        made.plain("f", print)
