"""A search that many workers share: one Optuna study behind an address, and the command that is one worker.

    python -m experiments.shared_search sqlite:///search.db
    python -m experiments.shared_search postgresql+psycopg://NAME@HOST/DATABASE

A file serves the workers of one machine, a server those of several. The same command once more is one more worker. All
end when every trial has its value. One that is killed gives no more signs of life; after two heartbeats another worker
repeats its trial. One that comes later goes on with what is left.

A trial has a place: 0, 1, 2, ... The random search draws the settings from the place, and the place is the seed of the
training. So it does not matter which worker runs a trial, when, or how often. TPE proposes settings from the trials
that are finished by then: with several workers, that depends on who was faster.

`experiments.search_task` is what is searched. `experiments.more_workers` measures what a second worker is worth.
"""

import argparse
import contextlib
import os
import re
import sys
import time
import warnings

import optuna
import sqlalchemy
from optuna.trial import TrialState

from experiments import work_queue

STUDY, TRIALS, SEED = "drawings", 12, 0
SAMPLERS = ("random", "tpe")
EXPECTED = "sqlite:///FILE, or postgresql+psycopg://NAME@HOST/DATABASE"
_TAKEN = (TrialState.WAITING, TrialState.RUNNING, TrialState.COMPLETE)


def work(address, task=None, trials=TRIALS, seed=SEED, sampler="random", heartbeat=work_queue.HEARTBEAT):
    """Be one worker: run trials of the search behind an address until each place has its value; return the study.

    Parameters
    ----------
    address : str
        Of an Optuna storage in a database. Its tables are made where there are none.
    task : module, optional
        Has `settings_at`, `suggested` and `judge`; by default `experiments.search_task`.
    trials : int
        How many places the search has.
    seed : int
        Of the settings that the random search draws.
    sampler : str
        "random" or "tpe".
    heartbeat : int
        Seconds between two signs of life.

    Raises `ValueError` for an address, sampler or number of trials that cannot be, and for a study that was begun with
    other ones; `ModuleNotFoundError` without the driver of the database; `ConnectionError` where nothing answers.
    """
    plan = {"trials": trials, "seed": seed, "sampler": sampler}
    if trials < 1 or sampler not in SAMPLERS:
        raise ValueError(f"trials, sampler: got {trials} and {sampler!r}, expected 1 or more and one of {SAMPLERS}")
    with _answering(address):
        study = _joined(address, plan, heartbeat)
        if task is None:
            from experiments import search_task as task  # a wrong address is told before Keras is loaded
        while _refill(study, task, plan):
            if study.get_trials(deepcopy=False, states=[TrialState.WAITING]):
                _run_one(study, task)
            else:
                time.sleep(heartbeat / 10)  # the last ones run elsewhere
    return study


def finished(study):
    """Return the trials that have a value, a dict by place; of two at one place the first."""
    found = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    return {trial.user_attrs["place"]: trial for trial in reversed(found)}


def _joined(address, plan, heartbeat):
    """Return the study, begun where there is none; raises `ValueError` where it was begun with another plan."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats and retries are
    repeat = optuna.storages.RetryHeartbeatStaleTrialCallback()
    storage = work_queue.open_storage(address, heartbeat, repeat)
    sampler = {"random": optuna.samplers.RandomSampler, "tpe": lambda: optuna.samplers.TPESampler(constant_liar=True)}
    study = optuna.create_study(
        study_name=STUDY,
        storage=storage,
        direction="maximize",
        load_if_exists=True,
        sampler=sampler[plan["sampler"]](),
    )
    if "plan" not in study.user_attrs:
        study.set_user_attr("plan", plan)
    if study.user_attrs["plan"] != plan:
        raise ValueError(f"plan: got {plan}, expected that with which the search was begun, {study.user_attrs['plan']}")
    return study


def _refill(study, task, plan):
    """Queue each place that no trial has: new ones, failed and interrupted ones. Return whether a value is missing."""
    optuna.storages.fail_stale_trials(study)  # trials of dead workers; Optuna queues them again
    taken = {trial.user_attrs["place"] for trial in study.get_trials(deepcopy=False, states=_TAKEN)}
    for place in sorted(set(range(plan["trials"])) - taken):
        settings = task.settings_at(place, plan["seed"]) if plan["sampler"] == "random" else {}
        study.enqueue_trial(settings, user_attrs={"place": place})
    return len(finished(study)) < plan["trials"]


def _run_one(study, task):
    """Run the next trial in the queue, unless another worker was faster."""
    lost = []

    def objective(trial):
        if "place" not in trial.user_attrs or _is_second(study, trial):  # the queue was empty; two workers filled it
            raise optuna.TrialPruned
        trial.set_user_attr("worker", os.getpid())
        settings = task.suggested(trial)
        start = time.perf_counter()
        value = task.judge(settings, seed=trial.user_attrs["place"])
        try:
            trial.set_user_attr("seconds", time.perf_counter() - start)
        except optuna.exceptions.UpdateFinishedTrialError:
            lost.append(trial)  # taken for dead, as after a sleep of the computer: another worker has it now
            raise
        print(f"{trial.user_attrs['place']:3} {value:.3f} {settings}", flush=True)
        return value

    try:
        study.optimize(objective, n_trials=1)
    except ValueError:  # Optuna's, for a trial that was taken away
        if not lost:
            raise


def _is_second(study, trial):
    earlier = [other for other in study.get_trials(deepcopy=False, states=_TAKEN) if other.number < trial.number]
    return trial.user_attrs["place"] in [other.user_attrs["place"] for other in earlier]


@contextlib.contextmanager
def _answering(address):
    """Say in words what is wrong with an address, or with what lies there; never its password."""
    try:
        url = sqlalchemy.engine.make_url(address)
        url.get_dialect().import_dbapi()
    except sqlalchemy.exc.NoSuchModuleError:
        raise ValueError(f"address: got a database of the kind {url.drivername!r}, expected {EXPECTED}") from None
    except sqlalchemy.exc.ArgumentError:
        shown = re.sub(r":[^:/@]*@", ":***@", address)
        raise ValueError(f"address: got {shown!r}, expected {EXPECTED}") from None
    except ImportError as error:
        raise ModuleNotFoundError(
            f"address: got {url.drivername!r}, whose driver {error.name} is not installed, expected {EXPECTED}; the "
            "driver psycopg comes with pip install -e '.[machines]'"
        ) from None
    try:
        yield
    except work_queue.UNUSABLE as error:
        cause = " ".join(str(work_queue.first_cause(error)).split())
        raise ConnectionError(
            f"address: got {url.render_as_string()}, where no search can be kept "
            f"({cause}), expected {EXPECTED} that this machine reaches and may write to"
        ) from error


def _use(cores):
    """Let TensorFlow compute on so many cores, or on all where it is 0; it must not have begun."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)


def main(arguments=None):
    """Be the worker that the arguments describe; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m experiments.shared_search", description=__doc__.split("\n")[0])
    parser.add_argument("address", nargs="?", default=os.environ.get("TLBOOK_STORAGE"), help=EXPECTED)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seed", type=int, default=SEED, help="of the random search")
    parser.add_argument("--sampler", choices=SAMPLERS, default="random")
    parser.add_argument("--cores", type=int, default=1, help="of this worker; 0 for all")
    options = parser.parse_args(arguments)
    if not options.address:
        parser.error(f"address: got none, expected {EXPECTED}, here or in TLBOOK_STORAGE")
    try:
        _use(options.cores)
        study = work(options.address, None, options.trials, options.seed, options.sampler)
    except (ValueError, ModuleNotFoundError, ConnectionError) as error:
        parser.error(str(error))
    best = min(finished(study).items(), key=lambda item: (-item[1].value, item[0]))
    print(f"best: {best[1].value:.3f} at place {best[0]}, {best[1].params}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
