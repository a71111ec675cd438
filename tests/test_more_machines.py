"""The page "More machines": it computes what it says of its record, and what it says of other software is so."""

import json
import pathlib
import re
import socket
import subprocess
import sys
import tomllib

import keras
import optuna
import pandas as pd
import pytest

from experiments import more_workers, shared_search
from tlbook import results

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "book" / "more-machines.md").read_text(encoding="utf-8")
CELLS = re.findall(r"```\{code-cell\} python3\n(?::tags: [^\n]*\n)?\n?(.*?)```", PAGE, flags=re.S)
WORDS = " ".join(PAGE.split())


def ran(folder, monkeypatch):
    """Run the cells of the page on the tables of a folder; return all names that they define."""
    monkeypatch.setattr(results, "FOLDER", folder)
    names = {}
    for cell in CELLS:
        exec(cell, names)  # noqa: S102
    return names


def write(folder, **columns):
    rows = pd.DataFrame({"repeat": 0, "arm": list(more_workers.ARMS), "cpu": "A CPU", "date": "2026-11-29"})
    figures = {"wall_seconds": [60.0, 50.0, 35.0, 55.0], "search_seconds": [50.0, 40.0, 25.0, 40.0]}
    figures |= {"trial_seconds": 4.0, "finished": 12, "lost": [0, 0, 0, 1], "repeated": [0, 0, 0, 1], "best_value": 0.6}
    rows.assign(**figures | columns).to_csv(folder / "more_workers.csv", index=False)


def test_with_a_record_the_page_computes_what_it_says(tmp_path, monkeypatch, capsys):
    write(tmp_path)
    assert len(CELLS) == 2
    assert set(ran(tmp_path, monkeypatch)["NAMES"]) == set(more_workers.ARMS)
    said = capsys.readouterr().out
    assert "Each arm was run once, on A CPU, 2026-11-29." in said
    assert "two workers were 2.00 times as fast as one;" in said and "all cores was 1.25 times as fast" in said
    assert "killed were 1.25 times as fast as one." in said and "The best value is the same in all arms" in said


def test_the_page_says_where_the_arms_found_other_values(tmp_path, monkeypatch, capsys):
    write(tmp_path, best_value=[0.6, 0.61, 0.6, 0.6])
    ran(tmp_path, monkeypatch)
    assert "The best value is not the same in all arms" in capsys.readouterr().out


def test_the_commands_of_the_page_are_there():
    addresses = re.findall(r"(?:python -m experiments\.shared_search |TLBOOK_STORAGE=)(\S+)", PAGE)
    assert [re.sub("search.db", "FILE", address) for address in addresses] == shared_search.EXPECTED.split(", or ")
    assert PAGE.count("python -m experiments.shared_search") == 2
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for names in re.findall(r"\.\[([\w,]+)\]", PAGE):
        assert set(names.split(",")) <= set(extras)
    assert any(line.startswith("psycopg[binary]") for line in extras["machines"])
    assert f"`--sampler {shared_search.SAMPLERS[1]}`" in WORDS


def test_optuna_is_as_the_page_says():
    assert issubclass(optuna.storages.RetryFailedTrialCallback, optuna.storages.RetryHeartbeatStaleTrialCallback)
    assert hasattr(optuna.storages.RDBStorage, "record_heartbeat")
    assert not hasattr(optuna.storages.JournalStorage, "record_heartbeat"), "the journal file has signs of life now"
    assert "never recommend SQLite3 for parallel" in optuna.storages.RDBStorage.__doc__


def test_keras_distribution_is_there_for_jax_alone():
    """Fails once a pinned Keras has it for PyTorch or TensorFlow: then the page must be written anew."""
    backends = pathlib.Path(keras.__file__).parent / "src" / "backend"
    assert (backends / "jax" / "distribution_lib.py").exists()
    assert not (backends / "torch" / "distribution_lib.py").exists()
    assert "DO NOT USE" in (backends / "tensorflow" / "distribution_lib.py").read_text(encoding="utf-8")[:100]


WORKER = """
import json, os, sys
os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": %s}, "task": {"type": "worker", "index": int(sys.argv[1])}})
import keras, numpy, tensorflow
with tensorflow.distribute.MultiWorkerMirroredStrategy().scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
try:
    model.fit(numpy.ones((64, 4)), numpy.ones((64, 2)), batch_size=16, verbose=0)
except ValueError as error:
    print(error, flush=True)
    os._exit(3)
print("trained", flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_keras_does_not_train_with_the_multi_worker_strategy_of_tensorflow():
    """Fails once a pinned Keras can: then the page must be written anew."""
    free = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    workers = [f"127.0.0.1:{server.getsockname()[1]}" for server in free]
    for server in free:
        server.close()
    command = [sys.executable, "-c", WORKER % json.dumps(workers)]
    running = [
        subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for n in range(2)
    ]
    try:
        said = [process.communicate(timeout=180)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [3, 3], said
    assert all("PerReplica" in words for words in said)
