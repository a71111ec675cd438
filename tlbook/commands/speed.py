"""How fast this computer is: what run times are scaled by."""

import os
import pathlib
import platform
import time

import numpy as np
import threadpoolctl

SIDE = 2048  # rows and columns of the matrices: 17 billion operations a product


def gflops(budget_s=0.2):
    """Return how many billion float32 operations a second each core does in a product of two large matrices: a float.

    NumPy multiplies 2048 x 2048 with all the threads that it may use, at least twice and until `budget_s` is spent. The
    best product counts, with 2 n^3 operations.
    """
    left, right = np.random.default_rng(0).random((2, SIDE, SIDE), np.float32)
    times, product = [], np.empty_like(left)
    while len(times) < 2 or sum(times) < budget_s:
        start = time.perf_counter()
        np.matmul(left, right, out=product)
        times.append(time.perf_counter() - start)
    return 2 * SIDE**3 / min(times) / 1e9 / _threads()


def _threads():
    """Return how many cores a product uses: NumPy's threads, but no more than there are cores."""
    pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return min([cores(), *pools])


def cores():
    """Return how many CPUs this process may use."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu():
    """Return the name of the CPU's model, or of its kind where the system does not tell."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
