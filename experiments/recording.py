"""Recording: a list of configurations, one function from a configuration to figures, one CSV file.

A killed run resumes where it stopped, and several workers on one storage share the work (`work_queue`).
"""

import io
import os
import re
import shutil

import pandas as pd

from experiments import measuring, work_queue
from tlbook import results
from tlbook.files.cache import write_atomically

ROOM = 10_000_000  # bytes for a table and its queue; the largest have less than one million


def record(name, configurations, run, code="", storage=None, fresh=True, heartbeat=work_queue.HEARTBEAT):
    """Run what is missing of an experiment and write `results/NAME.csv`, one row a configuration.

    Parameters
    ----------
    name : str
        Of the study and of the CSV file.
    configurations : list of dict
        Equal keys, values str, int or float. Rows keep this order; they are also run in it.
    run : callable
        Takes a configuration as keyword arguments, returns a dict of figures with the key `source`, a
        `tlbook.files.sources.Source`. Called in another process: it must be importable.
    code : str
        Digest of what decides the figures. A row with another one is stale: its configuration is run again, and the
        row stays in the table until the new one is there.
    storage : str, optional
        The address of an Optuna storage. By default `TLBOOK_STORAGE`, else an SQLite file beside the CSV, which all
        workers of one machine may share. Workers on several machines need PostgreSQL or MySQL.
    fresh : bool
        A new process for each run. Many short runs can share one: that saves the seconds that Keras takes to load, and
        `peak_memory_mb` is then the largest of all runs so far.
    heartbeat : int
        Seconds between two signs of life of a worker. After two without one its run goes to another worker.

    Returns
    -------
    pandas.DataFrame
        All rows: the configuration, the figures, `measuring.COLUMNS`. Where nothing is missing, no queue is opened.

    Raises `ValueError` where the CSV or the queue is damaged, and `OSError` where the disk is full.
    """
    recorded = _recorded(name, configurations)
    today = {_key(row, configurations[0]) for row in recorded if row["code"] == code} if configurations else set()
    missing = [c for c in configurations if _key(c, c) not in today]

    def write(rows):
        _write(name, configurations, recorded, rows)

    if missing:
        address = storage or os.environ.get("TLBOOK_STORAGE") or f"sqlite:///{results.FOLDER / name}.db"
        queued = work_queue.opened(name, address, missing, code, heartbeat)
        with queued as queue, measuring.Process(fresh) as process:

            def run_one(configuration):
                _check_room()
                print(f"{name}: {configuration}", flush=True)
                return configuration | process.call(measuring.measured, run, configuration, code)

            queue.work(run_one, write)
    elif len(recorded) > len(configurations):
        write([])
    return results.read(name)


def _check_room():
    """Raise `OSError` where the disk is nearly full: what a run of hours found could not be written down."""
    free = shutil.disk_usage(results.FOLDER).free
    if free < ROOM:
        raise OSError(f"{free / 1e6:.0f} MB are free on the disk of {results.FOLDER}: make room for {ROOM / 1e6:.0f}")


def _recorded(name, configurations):
    """Return the whole rows of the CSV, as text; the CSV is the record, the study only a queue."""
    path = results.FOLDER / f"{name}.csv"
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):  # a whole file ends with one; pandas would stumble over an open quote
        text = text[: text.rfind("\n") + 1]
        print(f"{path}: the last row is cut off, and is run again", flush=True)
    try:
        rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).to_dict("records")
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise ValueError(
            f"{path} is no table ({error}). Take it back from the repository (git checkout -- {path.name} in its "
            f"folder), or remove it to run everything again: python -m experiments.{name}"
        ) from error
    whole = []
    for number, row in enumerate(rows, start=2):
        keys = configurations[0] if configurations else ()
        if all(row.get(key) for key in keys) and re.fullmatch(r"\d{4}-\d\d-\d\d", row.get("date", "")):
            whole.append({"code": ""} | row)
        else:
            print(f"{path}, row {number} is cut off or blank, and is run again", flush=True)
    return whole


def _write(name, configurations, recorded, new):
    """Write the CSV: for each configuration the new row, else the recorded one, else none."""
    keys = configurations[0] if configurations else {}
    known = {_key(row, keys): row for row in recorded + new[::-1]}  # a new one before a recorded one, the first of new
    wanted = [_key(c, keys) for c in configurations]
    rows = [known[key] for key in wanted if key in known]
    if len(rows) < len(wanted):  # only a complete table forgets configurations that are gone
        kept = set(wanted)
        rows += [row for row in recorded if _key(row, keys) not in kept]
    found = dict.fromkeys(column for row in rows for column in row)
    columns = [c for c in found if c not in measuring.COLUMNS] + [c for c in measuring.COLUMNS if c in found]
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    write_atomically(results.FOLDER / f"{name}.csv", lambda file: table.to_csv(file, index=False, lineterminator="\n"))


def _key(row, keys):
    """Return what tells a row, or a configuration, from the others: its values under the keys of a configuration."""
    return tuple(str(row.get(key)) for key in keys)
