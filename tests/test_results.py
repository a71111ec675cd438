"""Results: the recorded tables, and what they say about a notebook."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from tlbook import results

RECORDED = results.FOLDER
ROWS = """\
place,notebook,passed,seconds,peak_memory_mb,gflops,error,date
binder,02_three_stages,True,83.2,1234.4,35,,2026-11-30
reference,02_three_stages,True,41.6,1234.4,35,,2026-11-30
reference,04_1_data,False,9.4,700,140,NameError: no,2026-12-01
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


def test_a_run_on_a_gpu_has_no_cpu_seconds(folder):
    (folder / "toy.csv").write_text("arm,cpu_seconds,device\na,5,CPU\na,7,NVIDIA H200\nold,9,\n")
    assert results.read("toy").cpu_seconds.tolist()[::2] == [5, 9] and results.read("toy").cpu_seconds.isna()[1]


def test_missing_table_says_how_to_record_it(folder):
    with pytest.raises(FileNotFoundError) as caught:
        results.read("toy")
    assert str(folder / "toy.csv") in str(caught.value) and "python -m experiments.toy" in str(caught.value)


@pytest.mark.parametrize(
    "name, remedy", [("map", "whole_map"), ("places", "make places"), ("lessons/toy", "git checkout")]
)
def test_a_table_that_no_experiment_records_has_another_remedy(folder, name, remedy):
    with pytest.raises(FileNotFoundError, match=remedy) as missing:
        results.read(name)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text("")
    with pytest.raises(results.DamagedFile, match=remedy) as damaged:
        results.read(name)
    assert not any("python -m experiments" in str(each.value) for each in (missing, damaged))


def test_a_table_that_is_still_to_come_has_no_rows_and_a_sentence_says_so(folder, capsys):
    rows = results.so_far("toy")
    assert (
        rows.empty and {"arm", "n_train", "seed"} <= set(rows) and "toy is not recorded yet" in capsys.readouterr().out
    )
    assert results.gaps(rows, {"probe": "the probe"}, {50: "few"}) == "Fewer than 3 seeds so far: the probe (few)."
    (folder / "toy.csv").write_text("arm,n_train,seed\nprobe,50,0\nprobe,50,1\n")
    rows = results.so_far("toy")
    assert len(rows) == 2 and not capsys.readouterr().out
    assert results.gaps(rows, {"probe": "the probe"}, [50, 200], least=2).endswith("so far: the probe (200).")


@pytest.mark.parametrize(
    "text", ["", "\n", "place,noteb", ROWS.splitlines()[0] + "\n", ROWS[:-1], ROWS[:-12], ROWS + '"03']
)
def test_table_that_is_empty_or_cut_off_is_named_with_the_remedy(folder, text):
    for name, command in (("toy", "python -m experiments\\.toy"), ("places", "make places")):
        (folder / f"{name}.csv").write_text(text)
        with pytest.raises(ValueError, match=rf"{name}\.csv .*git checkout.*{command}"):
            results.read(name)
    with pytest.raises(ValueError, match=r"places\.csv"):
        results.needs("02_three_stages")


def test_every_recorded_table_is_whole(monkeypatch):
    monkeypatch.setattr(results, "FOLDER", RECORDED)
    for path in RECORDED.rglob("*.csv"):
        assert len(results.read(path.relative_to(RECORDED).with_suffix("").as_posix()))


def test_needs_says_what_a_laptop_takes_and_when_it_was_measured(folder):
    (folder / "places.csv").write_text(ROWS)
    assert results.needs("02_three_stages") == (
        "On a laptop with two cores of 70 GFLOP/s each this notebook takes about 21 s and 1,250 MB. "
        "Half as fast a machine takes twice as long. (Measured 2026-11-30.)"
    )


def test_needs_of_a_notebook_that_failed_says_so(folder):
    (folder / "places.csv").write_text(ROWS)
    assert results.needs("04_1_data") == "04_1_data failed when it was last measured (2026-12-01): NameError: no"


def test_needs_of_a_notebook_that_was_not_measured(folder):
    for rows in (None, ROWS):
        if rows:
            (folder / "places.csv").write_text(rows)
        said = results.needs("09_new")
        assert "09_new has not been measured yet" in said and "make places" in said and "takes" not in said


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
