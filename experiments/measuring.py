"""Measuring one run: in a process of its own, with an empty feature cache, and with where and when it was measured."""

import concurrent.futures
import concurrent.futures.process
import datetime
import importlib.metadata
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
import time

import psutil

from experiments import pretraining
from tlbook.commands import speed

LEDGER = ("n_choose", "n_source", "trials", "pretraining", "cpu_seconds", "peak_memory_mb", "cache")
PROVENANCE = ("seconds", "cores", "source", "kind", "note", "python", "keras", "tensorflow", "tlbook")
PROVENANCE += ("cpu", "device", "code", "date")
COLUMNS = LEDGER + PROVENANCE  # the last columns of every table, in this order


def _version(package):
    for name in (package, f"{package}-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return ""


# Of what this process has loaded: asked later, an environment that is being rebuilt under a run has none.
VERSIONS = {package: _version(package) for package in ("keras", "tensorflow", "tlbook")}


def measured(run, configuration, code=""):
    """Call `run(**configuration)` with an empty feature cache; return its figures, what it cost, and where it ran.

    The CPU seconds of a pretraining that several runs share (`pretraining.trained_once`) are not among its own.
    """
    if "keras" in sys.modules:  # an earlier run in this process has left its layers behind
        sys.modules["keras"].utils.clear_session()
    with tempfile.TemporaryDirectory() as computed, _environment("TLBOOK_COMPUTED", computed):
        shared = pretraining.spent()
        start, cpu = time.perf_counter(), time.process_time()
        figures = run(**configuration)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    shared = [after - before for after, before in zip(pretraining.spent(), shared, strict=True)]
    source = figures.pop("source")
    found = {
        "cpu_seconds": round(cpu - shared[1] + figures.pop("kept_seconds", 0.0), 1),
        "peak_memory_mb": round(_peak_memory() / 1e6),
        "cache": "cold",
        "seconds": round(seconds - shared[0], 1),
        "cores": speed.cores(),
        "source": source.name,
        "kind": source.kind,
        "note": source.note,
        "python": platform.python_version(),
        **VERSIONS,
        "cpu": speed.cpu(),
        "device": _device(),
        "code": code,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    return figures | found


class Process:
    """A child process that calls functions: a new one for each call, or one for all."""

    def __init__(self, fresh):
        """Start none yet."""
        self.fresh, self.pool = fresh, None

    def __enter__(self):
        """Return itself."""
        return self

    def __exit__(self, *_):
        """End the child."""
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


class _environment:
    """Set a variable of the environment for a while."""

    def __init__(self, name, value):
        self.name, self.value, self.before = name, value, os.environ.get(name)

    def __enter__(self):
        os.environ[self.name] = self.value

    def __exit__(self, *_):
        os.environ.pop(self.name)
        if self.before is not None:
            os.environ[self.name] = self.before


def _device():
    """Return what TensorFlow or PyTorch computed on, where it was loaded: the name of a GPU, or "CPU"."""
    if "tensorflow" in sys.modules:
        configuration = sys.modules["tensorflow"].config
        for gpu in configuration.list_physical_devices("GPU"):
            return configuration.experimental.get_device_details(gpu).get("device_name", "GPU")
    if "torch" in sys.modules and (torch := sys.modules["torch"]).cuda.is_available():
        return f"{torch.cuda.get_device_name()} (PyTorch {torch.__version__})"
    return "CPU"


def _peak_memory():
    """Return the largest resident memory of this process so far, in bytes."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return info.peak_wset
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
