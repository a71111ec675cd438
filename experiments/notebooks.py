"""How long each notebook takes and how much memory it needs: cold, alone on the machine, on the data that is found.

The cache starts empty but for the downloaded weights, as on a reader's first run.

Run it with `python -m experiments.notebooks`; `make times` measures anew. Every chapter shows its row, and the page
*Run times* all of them.
"""

import os
import pathlib
import tempfile
import threading
import time

import nbformat
import psutil
from nbclient import NotebookClient

from experiments.protocol import Measurement
from tlbook import data
from tlbook.data import digits, entities, sentiment
from tlbook.files import assets, cache

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks"
# Who loads the data of a notebook, by the beginning of its name; all others use the target pictures.
LOADERS = {
    "05_2": lambda: sentiment.load(sentiment.TARGET),
    "05_3": lambda: sentiment.load(sentiment.TARGET),
    "05_4": entities.load,
    "05_5": lambda: sentiment.load(sentiment.TARGET),
    "05_6": digits.load,
    "05_7": digits.load,
    "05_8": digits.load,
}


def measure(notebook):
    """Execute one notebook and return its wall seconds and the peak memory of its kernel, subprocesses included."""
    source = LOADERS.get(notebook[:4], data.load_target)().source
    with tempfile.TemporaryDirectory() as empty_cache:
        for asset in assets.every_asset():
            if (kept := cache.cache_dir() / asset.file_name).exists():
                os.symlink(kept, pathlib.Path(empty_cache) / asset.file_name)
        os.environ["TLBOOK_CACHE"] = empty_cache
        client = NotebookClient(nbformat.read(FOLDER / f"{notebook}.ipynb", as_version=4), timeout=600)
        done, peak = threading.Event(), [0]
        watch = threading.Thread(target=watch_memory, args=(done, peak))
        watch.start()
        start = time.perf_counter()
        try:
            client.execute()
        finally:
            seconds = time.perf_counter() - start
            done.set()
            watch.join()
    cpu = os.times()  # of the children that have ended: the kernel, and what it started
    return {
        "source": source,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu.children_user + cpu.children_system, 1),
        "peak_memory_mb": round(peak[0] / 1e6),
    }


def watch_memory(done, peak):
    """Keep the largest memory of all child processes together in `peak[0]` (bytes) until `done` is set.

    Where the system tells (Linux), a page that several processes share counts once: a notebook may start a second
    Python, and TensorFlow's libraries are then in memory only once. Elsewhere it counts in each.
    """
    while not done.wait(0.1):
        used = 0
        for process in psutil.Process().children(recursive=True):
            try:
                memory = process.memory_full_info()
            except (psutil.NoSuchProcess, psutil.AccessDenied):  # it ended since it was listed
                continue
            used += getattr(memory, "pss", memory.rss)
        peak[0] = max(peak[0], used)


EXPERIMENT = Measurement(
    name="notebooks",
    question="How long does each notebook take, and how much memory?",
    design={"notebook": tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb")))},
    measure=measure,
)

if __name__ == "__main__":
    print(EXPERIMENT.record()[["notebook", "seconds", "peak_memory_mb"]])
