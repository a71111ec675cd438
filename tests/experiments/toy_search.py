"""A search for other processes, without Keras: `python toy_search.py ADDRESS ...` is a worker, as the real command is.

A trial writes its place into the file `ran`, in the folder `TOY_FOLDER` or else the working folder. In the place that
`HANGS` names it writes the number of its process into `pid`, and waits.
"""

import os
import pathlib
import sys
import time

from experiments import shared_search

SECONDS = float(os.environ.get("TOY_SECONDS", 0.1))


def settings_at(place, seed):
    return {"rate": 10.0 ** -(place + seed + 1)}


def suggested(trial):
    return {"rate": trial.suggest_float("rate", 1e-30, 1.0, log=True)}


def judge(settings, seed):
    with open(pathlib.Path(os.environ.get("TOY_FOLDER", "."), "ran"), "a") as file:
        file.write(f"{seed}\n")
    if os.environ.get("HANGS") == str(seed):
        pathlib.Path("pid").write_text(str(os.getpid()))
        time.sleep(600)
    time.sleep(SECONDS)
    return value_of(settings, seed)


def value_of(settings, seed):
    return settings["rate"] * (seed + 1)


if __name__ == "__main__":
    work = shared_search.work
    shared_search._use = lambda cores: None
    shared_search.work = lambda address, _, *plan: work(address, sys.modules["__main__"], *plan, heartbeat=3)
    sys.exit(shared_search.main())
