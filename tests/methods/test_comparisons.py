"""Every case is in the record, and its control holds no transfer."""

import pathlib

import numpy as np
import pandas as pd
import pytest

from tlbook import evaluation, results
from tlbook.methods import cases, comparisons

NOTEBOOKS = pathlib.Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="module")
def rows():
    return comparisons.comparisons()


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: f"{case.table}, {case.source}")
def test_a_case_names_what_is_there(case):
    runs = results.read(case.table)
    names = {name for arm in case.arms for name in ([arm] if isinstance(arm, str) else arm)}
    assert names | set(case.without) <= set(runs.arm)
    assert f"test_{case.score}" in runs and (NOTEBOOKS / f"{case.chapter}.ipynb").exists()
    assert all((runs[runs.arm == name].pretraining != "none").all() for name in names), "an arm without transfer"


def test_controls_hold_no_transfer(rows):
    tables = {name for case in cases.CASES for name in (case.table, *case.controls)}
    pretraining = {(name, arm): part for name in tables for arm, part in results.read(name).groupby("arm").pretraining}
    for row in rows.itertuples():
        case = next(case for case in cases.CASES if (case.table, case.source) == (row.table, row.source))
        found = [
            pretraining[key] for name in (case.table, *case.controls) if (key := (name, row.control)) in pretraining
        ]
        assert found and all((part == "none").all() for part in found)
        assert row.control not in case.without
        assert row.control in cases.CONTROLS, "give it a name that readers use"


def test_a_row_is_what_the_table_says(rows):
    runs = pd.concat([results.read("next_product"), results.read("wider_counts")])
    runs = runs.pivot_table("test_accuracy", ["n_train", "seed"], "arm")
    for n in (50, 200):
        found = runs.loc[n].assign(vader=runs.loc[0].vader)  # it needs no label
        controls = ["majority", "tfidf", "tfidf_wide", "tfidf_source", "tfidf_source_wide", "vader"]
        control = found[controls].mean().idxmax()
        mean, half = evaluation.paired(found.pros_cons_tuned, found[control])
        row = rows[(rows.table == "next_product") & (rows.arm == "pros_cons_tuned") & (rows.n_train == n)].squeeze()
        assert (row["mean"], row.half, row.control) == (pytest.approx(mean), pytest.approx(half), control)
        over, _ = evaluation.paired(found.pros_cons_tuned, found.pros_cons_frozen)
        assert row.over_head == pytest.approx(over)


def test_wider_grids_made_no_control_stronger():
    """Chapter 5.2 says so."""
    runs = pd.concat([results.read("next_product"), results.read("wider_counts")])
    runs = runs.pivot_table("test_accuracy", ["n_train", "seed"], "arm")
    for n in (50, 200, 1_000):
        for arm in ("tfidf", "tfidf_source"):
            gain = evaluation.paired(runs.loc[n][f"{arm}_wide"], runs.loc[n][arm])
            assert evaluation.verdict(gain).startswith("not told apart")


def test_alternatives_are_chosen_by_validation(rows):
    runs = results.read("voice_probes")
    for row in rows[rows.table == "voice_probes"].itertuples():
        part = runs[(runs.n_train == row.n_train) & runs.arm.str.startswith("pretrained")]
        best = part.groupby("arm").validation_accuracy.mean().idxmax()
        assert row.arm_score == pytest.approx(part[part.arm == best].test_accuracy.mean())


def test_seconds_are_given_only_where_all_were_recorded(rows):
    for row in rows.itertuples():
        runs = results.read(row.table)
        part = runs[(runs.arm == row.arm) & (runs.n_train == row.n_train)].cpu_seconds
        assert np.isnan(row.cpu_seconds) or part.notna().all()
