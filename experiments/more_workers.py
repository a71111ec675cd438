"""What a second worker is worth on one search, and what is lost where one is killed.

The search of `experiments.shared_search`, on a PostgreSQL server of its own: with one worker on one core, with one that
uses all cores, with two on one core each, and with two of which one is killed (SIGKILL) in a trial, when half of the
values are there. All try the same settings from the same seeds. The network that they tune is pretrained before.

`wall_seconds` are what a person waits, from the first start to the last end; `search_seconds` leave out the loading of
Keras: from the first trial's start to the last one's end. `trial_seconds` is the mean of a trial: where it grows, the
workers are in each other's way. `lost` counts trials that a dead worker left, `repeated` those that another worker ran
again, `twice` values of which there is a second one.

Run it with `python -m experiments.more_workers`, on a machine with two cores or more and no other work, since these are
seconds of a clock, and with PostgreSQL (`experiments.postgresql`). The page "More machines" shows it.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import optuna
import psutil
from optuna.trial import TrialState

from experiments import postgresql, shared_search, work_queue
from experiments.protocol import Measurement

TRIALS, REPEATS = shared_search.TRIALS, 1
ARMS = {"one": (1, 1, False), "one_all_cores": (1, 0, False), "two": (2, 1, False), "two_one_killed": (2, 1, True)}
WORKER = [sys.executable, "-m", "experiments.shared_search"]


def measure(repeat, arm):
    """Return how long a search took with some workers, and what became of its trials."""
    workers, cores, kill = ARMS[arm]
    source = prepared()
    before = _seconds_of_children()
    with postgresql.server() as address, tempfile.TemporaryFile("w+") as log:
        command = [*WORKER, address, "--trials", str(TRIALS), "--seed", str(repeat), "--cores", str(cores)]
        options = {"stdout": log, "stderr": subprocess.STDOUT, "cwd": pathlib.Path(__file__).parents[1]}
        start = time.perf_counter()
        running = [psutil.Popen(command, **options) for _ in range(workers)]
        try:
            if kill:
                _kill_in_a_trial(running[-1], running, address)
            codes = [worker.wait() for worker in running]
        finally:
            for worker in running:
                if worker.is_running():
                    worker.kill()
        seconds = time.perf_counter() - start
        if any(codes[: workers - kill]):
            log.seek(0)
            raise RuntimeError(f"a worker ended with {codes}, expected 0: {log.read()[-2_000:]}")
        figures = told(_study(address))
    kept = _seconds_of_children() - before
    return {"workers": workers, "wall_seconds": round(seconds, 1), **figures, "kept_seconds": kept, "source": source}


def prepared():
    """Bring into the cache what all workers need, so that none computes it; return where the drawings come from."""
    from experiments import search_task

    search_task.pretrained()
    return search_task.pictures()[-1]


def told(study):
    """Return what became of the trials of a study."""
    done = shared_search.finished(study)
    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        history = optuna.storages.RetryHeartbeatStaleTrialCallback.retry_history
        repeated = sum(bool(history(trial)) for trial in complete)
    first, last = min(trial.datetime_start for trial in complete), max(trial.datetime_complete for trial in complete)
    best = min(done, key=lambda place: (-done[place].value, place))
    return {
        "search_seconds": round((last - first).total_seconds(), 1),
        "trial_seconds": round(float(np.mean([trial.user_attrs["seconds"] for trial in complete])), 2),
        "places": study.user_attrs["plan"]["trials"],
        "finished": len(done),
        "lost": sum(trial.state == TrialState.FAIL for trial in trials),
        "repeated": repeated,
        "twice": len(complete) - len(done),
        "best_place": best,
        "best_value": round(done[best].value, 4),
    }


def _kill_in_a_trial(victim, workers, address):
    """Kill a worker as soon as half of the values are there and it is in a trial."""
    study = None
    while all(worker.poll() is None for worker in workers):
        time.sleep(0.1)
        study = study or _study(address)
        if study and len(shared_search.finished(study)) >= TRIALS // 2:
            in_trial = study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
            if victim.pid in [trial.user_attrs.get("worker") for trial in in_trial]:
                return victim.kill()
    raise RuntimeError(f"a worker ended before half of the {TRIALS} trials, expected one that could be killed then")


def _study(address):
    """Return the study behind an address, or None where the first worker has not begun it yet."""
    storage = work_queue.open_storage(address, work_queue.HEARTBEAT)
    try:
        return optuna.load_study(study_name=shared_search.STUDY, storage=storage)
    except KeyError:
        return None


def _seconds_of_children():
    spent = os.times()
    return spent.children_user + spent.children_system


EXPERIMENT = Measurement(
    name="more_workers",
    question="What is a second worker worth on one search, and what is lost where one is killed?",
    design={"repeat": tuple(range(REPEATS)), "arm": tuple(ARMS)},
    measure=measure,
)

if __name__ == "__main__":
    columns = ["arm", "wall_seconds", "search_seconds", "trial_seconds", "finished", "lost", "repeated", "best_value"]
    print(EXPERIMENT.record()[columns].to_string(index=False))
