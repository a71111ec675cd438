"""Recording experiments: a list of configurations, one function from a configuration to figures, one CSV file.

Optuna keeps the queue: a killed run resumes where it stopped, and several workers on one storage share the work.
"""

import concurrent.futures
import concurrent.futures.process
import datetime
import importlib.metadata
import multiprocessing
import os
import platform
import sys
import threading
import time
import warnings

import optuna
import pandas as pd
import psutil
from optuna.trial import TrialState

from tlbook import results
from tlbook.files.cache import write_atomically

_TAKEN = (TrialState.WAITING, TrialState.RUNNING, TrialState.COMPLETE)  # what nobody needs to queue again


def record(name, configurations, run, storage=None, fresh=True):
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
    storage : str, optional
        An Optuna storage. By default an SQLite file beside the CSV, for one worker; give `TLBOOK_STORAGE` an address
        of PostgreSQL or MySQL to share the work (SQLite has no lock on a row: two workers may take the same run).
    fresh : bool
        A new process for each run. Many short runs can share one: that saves the seconds that Keras takes to load, and
        `peak_memory_mb` is then the largest of all runs so far.

    Returns
    -------
    pandas.DataFrame
        All rows: the configuration, the figures, `results.PROVENANCE`.
    """
    study = optuna.create_study(
        study_name=name,
        storage=_storage(storage or os.environ.get("TLBOOK_STORAGE") or f"sqlite:///{results.FOLDER / name}.db"),
        load_if_exists=True,
    )
    recorded = _recorded(name)
    missing = [c for c in configurations if not any(_same(row, c) for row in recorded)]
    queued = [trial.user_attrs.get("configuration") for trial in study.get_trials(states=_TAKEN)]
    for configuration in missing:
        if configuration not in queued:
            study.enqueue_trial({}, user_attrs={"configuration": configuration})

    process = _Process(fresh)

    def objective(trial):
        configuration = trial.user_attrs.get("configuration")
        before = [t.user_attrs.get("configuration") for t in study.get_trials(states=_TAKEN) if t.number < trial.number]
        if configuration is None or configuration in before:  # another worker took the last one, or queued it as well
            raise optuna.TrialPruned
        print(f"{name}: {configuration}", flush=True)
        trial.set_user_attr("row", configuration | process.call(measured, run, configuration))
        return 0.0

    def write(study, trial):
        rows = recorded + [t.user_attrs["row"] for t in study.get_trials(states=[TrialState.COMPLETE])]
        found = [next((row for row in rows if _same(row, c)), None) for c in configurations]
        table = pd.DataFrame([row for row in found if row])
        write_atomically(
            results.FOLDER / f"{name}.csv", lambda file: table.to_csv(file, index=False, lineterminator="\n")
        )

    if any(configuration in queued for configuration in missing):
        write(study, None)  # what a worker had finished and not written when it was killed
    with process:
        while study.get_trials(deepcopy=False, states=[TrialState.WAITING, TrialState.RUNNING]):
            _give_back_runs_of_dead_workers(study)
            if study.get_trials(deepcopy=False, states=[TrialState.WAITING]):
                study.optimize(objective, n_trials=1, callbacks=[write])
            else:
                time.sleep(1)  # another worker has the last ones
    if missing:
        write(study, None)  # with what other workers finished since
    return results.read(name)


def measured(run, configuration):
    """Call `run(**configuration)` and return its figures with seconds, memory, source, versions and date added."""
    if "keras" in sys.modules:  # an earlier run in this process has left its layers behind
        sys.modules["keras"].utils.clear_session()
    start, cpu = time.perf_counter(), time.process_time()
    figures = run(**configuration)
    source = figures.pop("source")
    provenance = {
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_memory_mb": round(_peak_memory() / 1e6),
        "cores": _cores(),
        "source": source.name,
        "kind": source.kind,
        "note": source.note,
        "python": platform.python_version(),
        **{package: _version(package) for package in ("keras", "tensorflow", "tlbook")},
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    return figures | provenance | figures  # a run that measures itself knows better (`experiments/notebooks.py`)


class _Process:
    """A child process that calls functions: a new one for each call, or one for all."""

    def __init__(self, fresh):
        self.fresh, self.pool = fresh, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pool:
            self.pool.shutdown()
            self.pool = None

    def call(self, function, *arguments):
        """Return `function(*arguments)`, computed in the child; raises what it raised."""
        if self.pool is None:
            spawn = multiprocessing.get_context("spawn")
            self.pool = concurrent.futures.ProcessPoolExecutor(1, spawn, _end_with_parent)
        try:
            return self.pool.submit(function, *arguments).result()
        except concurrent.futures.process.BrokenProcessPool:
            self.__exit__()  # it died; the next call gets another
            raise
        finally:
            if self.fresh:
                self.__exit__()


def _end_with_parent():
    """Let this process end when the one that started it does: a killed worker would leave its run behind."""

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _storage(address):
    """Return the queue behind `address`: a worker that dies gives its run back after missing its heartbeat."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.RDBStorage(
            address,
            heartbeat_interval=60,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
        )


def _give_back_runs_of_dead_workers(study):
    """Fail the runs that miss their heartbeat: the callback of `_storage` queues them again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)


def _recorded(name):
    """Return the rows of the CSV that belong to the configurations: the CSV is the record, the study only a queue."""
    try:
        return results.read(name).to_dict("records")
    except FileNotFoundError:
        return []


def _same(row, configuration):
    return all(row.get(key) == value for key, value in configuration.items())


def _version(package):
    for name in (package, f"{package}-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return ""


def _cores():
    """Return how many CPUs this process may use."""
    if hasattr(psutil.Process, "cpu_affinity"):  # not on macOS
        return len(psutil.Process().cpu_affinity())
    return os.cpu_count()


def _peak_memory():
    """Return the largest resident memory of this process so far, in bytes."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return info.peak_wset
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
