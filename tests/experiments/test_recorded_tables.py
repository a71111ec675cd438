"""The recorded tables: each belongs to an experiment, has its columns, and says where every row comes from."""

import importlib
import pathlib

import pandas as pd
import pytest

from experiments import measuring
from experiments.protocol import Experiment

RESULTS = pathlib.Path(__file__).parents[2] / "results"
WRITTEN = ("places", "map")  # by `tools/places.py` and, from other tables, by `tools/whole_map.py`
TABLES = [path for path in sorted(RESULTS.glob("*.csv")) if path.stem not in WRITTEN]
COSTS = ["cpu_seconds", "peak_memory_mb", "seconds"]
LEDGER = ["n_choose", "trials", "pretraining"]
each_table = pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)


@pytest.fixture
def table(path):
    return pd.read_csv(path)


@pytest.fixture
def experiment(path):
    return importlib.import_module(f"experiments.{path.stem}").EXPERIMENT


@each_table
def test_columns_are_those_of_the_experiment(table, experiment):
    columns = list(table.columns)
    configuration = list(experiment.configurations()[0])
    assert columns[: len(configuration)] == configuration
    tail = [name for name in measuring.COLUMNS if name in columns]
    assert columns[-len(tail) :] == tail, "ledger and provenance come last, in one order"
    assert set(measuring.PROVENANCE) <= set(columns)
    if isinstance(experiment, Experiment):
        assert set(measuring.LEDGER) <= set(columns)
        assert {"chosen", "at_edge", f"validation_{next(iter(experiment.metrics))}"} <= set(columns)


# Tables whose recording goes on: their names. Their chapters say which rows are there.
IN_PROGRESS = (
    "map_front",
    "map_frozen",
    "map_scores",
    "map_tuned",
)


@each_table
def test_every_run_has_one_row(table, experiment):
    wanted = [tuple(map(str, configuration.values())) for configuration in experiment.configurations()]
    found = [tuple(map(str, row)) for row in table[list(experiment.configurations()[0])].itertuples(index=False)]
    if experiment.name in IN_PROGRESS:
        assert found == [row for row in wanted if row in found], "in the order of the experiment, each once"
        assert len(found) < len(wanted), "it is whole: take its name from the list"
    else:
        assert found == wanted


@each_table
def test_rows_carry_their_provenance(table):
    always = ["cores", "source", "kind", "note", "python", "keras", "tlbook", "cache", "date"]
    assert table[always].notna().all(axis=None), "a row does not say where it comes from"
    assert (table.tensorflow.notna() | table.device.astype(str).str.contains("PyTorch")).all(), "by which backend?"
    pd.to_datetime(table.date, format="%Y-%m-%d")
    for name in ("python", "keras", "tensorflow", "tlbook"):
        assert table[name].dropna().astype(str).str.fullmatch(r"\d+(\.\d+)+\w*").all(), name
    assert table.cache.isin(["cold", "warm"]).all()


@each_table
def test_rows_of_today_s_code_carry_their_costs(table):
    """Rows from before the ledger have no digest of code: they are stale, and may lack what was not measured."""
    today = table[table.code.notna()]
    assert today[[*COSTS, "cpu", "device"]].notna().all(axis=None) and (today[COSTS] >= 0).all(axis=None)
    assert (today.cache == "cold").all()
    if "n_choose" in table:
        assert table[LEDGER].notna().all(axis=None)
        assert (table.n_choose > 0).all() and (table.trials > 0).all()
