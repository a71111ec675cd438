"""The queue: runs that workers share, kept in an Optuna study. A worker that dies gives its run back."""

import contextlib
import time
import warnings

import optuna
import sqlalchemy
from optuna.trial import TrialState

HEARTBEAT = 10  # seconds; a worker that has been silent for two of them is taken for dead
AHEAD = 20  # runs that wait: Optuna reads all of them at every look, and 1,800 took longer than the runs themselves
UNUSABLE = (sqlalchemy.exc.DatabaseError, optuna.exceptions.StorageInternalError)
_TAKEN = (TrialState.WAITING, TrialState.RUNNING, TrialState.COMPLETE)  # what nobody needs to queue again


class Queue:
    """The runs of one experiment that are `missing` (a list of dict), in one state of its `code`."""

    def __init__(self, study, missing, code):
        """Queue nothing yet."""
        self.study, self.missing, self.code = study, {repr(c): c for c in missing}, code

    def work(self, run, keep):
        """Call `run(configuration)`, which returns a row, for what nobody else runs, until all of it has been run.

        `keep(rows)` gets all rows so far after each run, and first those that an earlier worker had not written.
        """
        lost = []

        def objective(trial):
            row = run(self._claimed(trial))
            try:
                trial.set_user_attr("row", row)
            except optuna.exceptions.UpdateFinishedTrialError:
                lost.append(trial)  # taken for dead, as after a sleep of the computer: another worker has it now
                raise
            return 0.0

        if rows := self._rows():
            keep(rows)
        while self._refill():
            if not self.study.get_trials(deepcopy=False, states=[TrialState.WAITING]):
                time.sleep(1)  # another worker has the last ones
                continue
            try:
                self.study.optimize(objective, n_trials=1, callbacks=[lambda *_: keep(self._rows())])
            except ValueError:  # Optuna's for a run that was taken away
                if not lost:
                    raise
                lost.clear()
        keep(self._rows())  # with what other workers finished since

    def _refill(self):
        """Queue the next runs that nobody has taken, those of dead workers included; return whether any is left."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(self.study)
        taken = {repr(trial.user_attrs["configuration"]) for trial in self._trials(*_TAKEN)}
        free = [configuration for key, configuration in self.missing.items() if key not in taken]
        for configuration in free[: max(0, AHEAD - len(self._trials(TrialState.WAITING)))]:
            self.study.enqueue_trial({}, user_attrs={"configuration": configuration, "code": self.code})
        return len(self._rows()) < len(self.missing)

    def _claimed(self, trial):
        """Return the configuration of a trial; raises `TrialPruned` where it has none, or not the first of two."""
        configuration = trial.user_attrs.get("configuration")
        before = [t.user_attrs["configuration"] for t in self._trials(*_TAKEN) if t.number < trial.number]
        if trial.user_attrs.get("code") != self.code or configuration in before:
            raise optuna.TrialPruned
        return configuration

    def _rows(self):
        """Return the row of each configuration that has been run, the first where it was run twice."""
        found = {}
        for trial in self._trials(TrialState.COMPLETE):
            found.setdefault(repr(trial.user_attrs["configuration"]), trial.user_attrs["row"])
        return [row for key, row in found.items() if key in self.missing]

    def _trials(self, *states):
        found = self.study.get_trials(deepcopy=False, states=states)
        return [trial for trial in found if trial.user_attrs.get("code") == self.code]


@contextlib.contextmanager
def opened(name, address, missing, code, heartbeat=HEARTBEAT):
    """Open the queue of an experiment in the Optuna storage behind an address.

    Raises `ValueError` where what is there is no queue or a damaged one.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = open_storage(address, heartbeat)
        yield Queue(optuna.create_study(study_name=name, storage=storage, load_if_exists=True), missing, code)
    except UNUSABLE as error:
        cause = str(first_cause(error)).splitlines()[0]
        raise ValueError(
            f"the queue {address} cannot be used ({cause}). If the file is damaged, remove it: "
            f"finished rows are in results/{name}.csv, and only what is missing there is run again"
        ) from error


def first_cause(error):
    """Return the error with which a chain of errors began: Optuna calls any failure a value that is too long."""
    while error.__cause__:
        error = error.__cause__
    return error


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


def open_storage(address, heartbeat, when_dead=None):
    """Return the storage behind an address, with its tables; workers that start together get in each other's way.

    `when_dead(study, trial)`, an Optuna callback, is called for a run that was given back.
    """
    options = {"connect_args": {"timeout": 60}} if address.startswith("sqlite") else {}  # seconds to wait for the lock
    for pause in (0.2, 0.5, 1.0, 2.0, None):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                storage = _Storage(
                    address, options, heartbeat_interval=heartbeat, heartbeat_stale_trial_callback=when_dead
                )
            break
        except UNUSABLE:
            if pause is None:
                raise
            time.sleep(pause)
    if storage.engine.dialect.name == "sqlite":
        _lock_from_the_begin(storage.engine)
    return storage
