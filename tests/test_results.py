"""Results: the recorded tables, and what they say about a notebook."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from tlbook import results

RECORDED = results.FOLDER
ROWS = """\
notebook,seconds,peak_memory_mb,cores,source,date
02_three_stages,41.6,1234.4,2,CIFAR-10,2026-11-30
04_1_data,9.4,700,2,emoji-10 stand-in,2026-12-01
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    return tmp_path


def test_table_is_read_as_it_was_written(folder):
    (folder / "toy.csv").write_text("regime,labels,accuracy\nscratch,1000,0.1\nlinear_probe,10000,\n")
    table = results.read("toy")
    expected = {"regime": ["scratch", "linear_probe"], "labels": [1000, 10000], "accuracy": [0.1, float("nan")]}
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected))


def test_missing_table_says_how_to_record_it(folder):
    with pytest.raises(FileNotFoundError) as caught:
        results.read("toy")
    assert str(folder / "toy.csv") in str(caught.value) and "python -m experiments.toy" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "\n", "notebook,seco", ROWS.splitlines()[0] + "\n", ROWS[:-1], ROWS[:-12], ROWS + '"03']
)
def test_table_that_is_empty_or_cut_off_is_named_with_the_remedy(folder, text):
    (folder / "notebooks.csv").write_text(text)
    with pytest.raises(ValueError, match=r"notebooks\.csv .*git checkout.*python -m experiments\.notebooks"):
        results.read("notebooks")
    with pytest.raises(ValueError, match=r"notebooks\.csv"):
        results.needs("02_three_stages")


def test_every_recorded_table_is_whole(monkeypatch):
    monkeypatch.setattr(results, "FOLDER", RECORDED)
    for path in RECORDED.glob("*.csv"):
        assert len(results.read(path.stem))


def test_needs_says_what_was_measured_where_and_when(folder):
    (folder / "notebooks.csv").write_text(ROWS)
    assert results.needs("02_three_stages") == (
        "Running this notebook took 42 s and 1234 MB of memory on 2 cores (measured 2026-11-30, data: CIFAR-10)."
    )
    assert "took 9 s and 700 MB" in results.needs("04_1_data")
    assert "data: emoji-10 stand-in" in results.needs("04_1_data")


def test_needs_of_a_notebook_that_was_not_measured(folder):
    for rows in (None, ROWS):
        if rows:
            (folder / "notebooks.csv").write_text(rows)
        said = results.needs("09_new")
        assert "09_new has not been measured yet" in said and "make times" in said and "took" not in said


def test_tables_come_from_the_book_wherever_it_is_run(tmp_path):
    """And reading them loads no framework: `needs` stands before Keras in every notebook."""
    code = (
        "import sys, os; from tlbook import figures, results; print(*sorted(p.name for p in results.FOLDER.iterdir()));"
        "print({'keras', 'tensorflow', 'sklearn'} & set(sys.modules), os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    )
    environment = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    names, modules = result.stdout.splitlines()
    assert "cifar10_regimes.csv" in names.split(), result.stderr
    assert modules == "set() 1"
