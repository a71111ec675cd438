"""Recording: a list of configurations, one function from a configuration to figures, one CSV file.

Optuna keeps the queue: a killed run resumes where it stopped, and several workers on one storage share the work.
"""

import contextlib
import io
import os
import re
import time
import warnings

import optuna
import pandas as pd
import sqlalchemy
from optuna.trial import TrialState

from experiments import measuring
from tlbook import results
from tlbook.files.cache import write_atomically

HEARTBEAT = 10  # seconds; a worker that has been silent for two of them is taken for dead
_TAKEN = (TrialState.WAITING, TrialState.RUNNING, TrialState.COMPLETE)  # what nobody needs to queue again
_UNUSABLE = (sqlalchemy.exc.DatabaseError, optuna.exceptions.StorageInternalError)


def record(name, configurations, run, code="", storage=None, fresh=True, heartbeat=HEARTBEAT):
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

    Raises `ValueError` where the CSV or the queue is damaged.
    """
    recorded = _recorded(name, configurations)
    missing = [c for c in configurations if not any(_same(row, c) and row["code"] == code for row in recorded)]
    if missing:
        address = storage or os.environ.get("TLBOOK_STORAGE") or f"sqlite:///{results.FOLDER / name}.db"
        with _queue(name, address, heartbeat) as study, measuring.Process(fresh) as process:
            _work(_Queue(study, missing, code), name, configurations, run, recorded, process)
    elif len(recorded) > len(configurations):
        _write(name, configurations, recorded, [])
    return results.read(name)


def _work(queue, name, configurations, run, recorded, process):
    """Run what nobody else has run, until everything that is missing has been run."""
    lost = []

    def objective(trial):
        configuration = queue.claimed(trial)
        print(f"{name}: {configuration}", flush=True)
        row = configuration | process.call(measuring.measured, run, configuration, queue.code)
        try:
            trial.set_user_attr("row", row)
        except optuna.exceptions.UpdateFinishedTrialError:
            lost.append(trial)  # taken for dead, as after a sleep of the computer: another worker has the run now
            raise
        return 0.0

    def write(*_):
        _write(name, configurations, recorded, list(queue.rows().values()))

    if queue.rows():
        write()  # what a worker had finished and not written when it was killed
    while queue.refill():
        if not queue.waiting():
            time.sleep(1)  # another worker has the last ones
            continue
        try:
            queue.study.optimize(objective, n_trials=1, callbacks=[write])
        except ValueError:  # Optuna's for a run that was taken away
            if not lost:
                raise
            lost.clear()
    write()  # with what other workers finished since


class _Queue:
    """The runs of one experiment and one state of its code, in an Optuna study."""

    def __init__(self, study, missing, code):
        self.study, self.missing, self.code = study, {repr(c): c for c in missing}, code

    def trials(self, *states):
        return [t for t in self.study.get_trials(states=states) if t.user_attrs.get("code") == self.code]

    def waiting(self):
        return self.study.get_trials(deepcopy=False, states=[TrialState.WAITING])

    def rows(self):
        """Return the row of each configuration that has been run, the first where it was run twice."""
        found = {}
        for trial in self.trials(TrialState.COMPLETE):
            found.setdefault(repr(trial.user_attrs["configuration"]), trial.user_attrs["row"])
        return {key: row for key, row in found.items() if key in self.missing}

    def refill(self):
        """Queue what nobody has taken, runs of dead workers included; return whether anything is left to run."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(self.study)
        taken = {repr(trial.user_attrs["configuration"]) for trial in self.trials(*_TAKEN)}
        for key, configuration in self.missing.items():
            if key not in taken:
                self.study.enqueue_trial({}, user_attrs={"configuration": configuration, "code": self.code})
        return len(self.rows()) < len(self.missing)

    def claimed(self, trial):
        """Return the configuration of a trial; raises `TrialPruned` where it has none, or not the first of two."""
        configuration = trial.user_attrs.get("configuration")
        before = [t.user_attrs["configuration"] for t in self.trials(*_TAKEN) if t.number < trial.number]
        if trial.user_attrs.get("code") != self.code or configuration in before:
            raise optuna.TrialPruned
        return configuration


class _Storage(optuna.storages.RDBStorage):
    """A storage in which no run is without a heartbeat: Optuna gives none back that was killed before its first."""

    def set_trial_state_values(self, trial_id, state, values=None):
        """Set the state as Optuna does."""
        if state == TrialState.RUNNING:
            self.record_heartbeat(trial_id)
        return super().set_trial_state_values(trial_id, state, values)


def _lock_from_the_begin(engine):
    """Make every transaction on SQLite lock the file from its begin, and not from its first change.

    SQLite knows no lock on a row: two workers could read that a run is free, and both take it.
    Source: SQLAlchemy's manual, "Serializable isolation, savepoints, transactional DDL".
    """

    @sqlalchemy.event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection, _):
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def lock(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections from before


def _opened(address, heartbeat):
    """Return the storage behind an address, with its tables; workers that start together get in each other's way."""
    options = {"connect_args": {"timeout": 60}} if address.startswith("sqlite") else {}  # seconds to wait for the lock
    for pause in (0.2, 0.5, 1.0, 2.0, None):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                storage = _Storage(address, options, heartbeat_interval=heartbeat)
            break
        except _UNUSABLE:
            if pause is None:
                raise
            time.sleep(pause)
    if storage.engine.dialect.name == "sqlite":
        _lock_from_the_begin(storage.engine)
    return storage


@contextlib.contextmanager
def _queue(name, address, heartbeat):
    """Open the study behind an address; raises `ValueError` where what is there is no queue or a damaged one."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = _opened(address, heartbeat)
        yield optuna.create_study(study_name=name, storage=storage, load_if_exists=True)
    except _UNUSABLE as error:
        raise ValueError(
            f"the queue {address} cannot be used ({str(error).splitlines()[0]}). If the file is damaged, remove it: "
            f"finished rows are in {results.FOLDER / name}.csv, and only what is missing there is run again"
        ) from error


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
    rows = [next((row for row in new + recorded[::-1] if _same(row, c)), None) for c in configurations]
    if None in rows:  # only a complete table forgets configurations that are gone
        rows += [row for row in recorded if not any(_same(row, c) for c in configurations)]
    rows = [row for row in rows if row]
    found = dict.fromkeys(column for row in rows for column in row)
    columns = [c for c in found if c not in measuring.COLUMNS] + [c for c in measuring.COLUMNS if c in found]
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    write_atomically(results.FOLDER / f"{name}.csv", lambda file: table.to_csv(file, index=False, lineterminator="\n"))


def _same(row, configuration):
    return all(str(row.get(key)) == str(value) for key, value in configuration.items())
