"""Record on the original CIFAR-10, in place of the copy in a mirror: `make record DATA=original`.

The original is the archive with the published checksum, from the cache or downloaded. No mirror is asked: its copy may
have been compressed, as that of the book's own record was. The tables go to `results/original/`, beside those of the
book, and each has a queue of its own.

`python -m experiments --data original NAME ...` calls it, in a process of its own for each experiment.
"""

import importlib
import os
import sys

from tlbook import results
from tlbook.files import assets, sources

FOLDER = results.FOLDER / "original"
OTHERS = ("TLBOOK_MIRROR", "TLBOOK_DATA", "TLBOOK_STORAGE")  # a copy, a stand-in, the queue of the book's own record


def record(name):
    """Record one experiment on the original, and return its table.

    Raises `tlbook.files.sources.NotFound` where the original cannot be had; the message lists the ways to get it.
    """
    for variable in OTHERS:
        os.environ.pop(variable, None)  # the processes of the runs inherit that
    sources.find(assets.CIFAR10)
    FOLDER.mkdir(exist_ok=True)
    results.FOLDER = FOLDER
    os.environ["TLBOOK_RESULTS"] = str(FOLDER)  # an arm that reads what another one chose reads it from there too
    return importlib.import_module(f"experiments.{name}").EXPERIMENT.record()


if __name__ == "__main__":
    record(sys.argv[1])
