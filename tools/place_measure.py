"""What one notebook takes in one place: alone, with an empty cache but for the downloaded files, as on a first run."""

import datetime
import json
import os
import pathlib
import platform
import subprocess
import tempfile
import time

import place_memory
from tlbook.files import assets, cache

RUNNER = pathlib.Path(__file__).with_name("place_runner.py")
# Variables of this process that a reader does not have. Without the last, Python keeps what it has compiled.
OURS = ("JUPYTER_PATH", "TLBOOK_COMPUTED", "PYTHONDONTWRITEBYTECODE")
CELL_SECONDS = 600
# Laptops have no AVX-512. These hold oneDNN (in TensorFlow, PyTorch and JAX) and OpenBLAS (in NumPy) to what they have.
ISA = {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}


def measure(place, python, notebook, cgroups=True, work=None, unfinished=False):
    """Run one notebook in a place and return its figures, a dict with the columns from `passed` on, less `digest`.

    `python` is the interpreter of the place. `cgroups` is passed to `place_memory.Watch`. `work` is the folder to run
    in, by default an empty one. An `unfinished` notebook may fail where an answer is missing, and has to.
    """
    limit = place.memory_mb and place.memory_mb * 1_000_000
    environment = environment_of(place)
    with tempfile.TemporaryDirectory() as folder:
        job = {"notebook": str(notebook.absolute()), "cores": place.cores, "cell_seconds": CELL_SECONDS}
        job |= {"parent": os.getpid(), "unfinished": unfinished}
        for asset in assets.every_asset():
            if (kept := cache.cache_dir() / asset.file_name).exists():
                os.symlink(kept.absolute(), pathlib.Path(folder) / asset.file_name)
        with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile("w+") as complaints:
            start = time.perf_counter()
            process = subprocess.Popen(
                [python, "-P", RUNNER],  # -P: the modules beside the runner are not the notebook's
                **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": complaints, "text": True},
                **{"cwd": work or empty, "env": environment | {"TLBOOK_CACHE": folder}},
            )
            watch = place_memory.Watch(process.pid, limit, cgroups)  # it has the limit before it has the job
            try:
                printed = process.communicate(json.dumps(job))[0]
            finally:
                over = watch.close()
            complaints.seek(0)
            said = [line for line in complaints.read().splitlines() if line.strip()]
    if process.returncode:  # the runner itself ended
        reason = said[-1] if said and not over else f"ended with status {process.returncode}"
        figures = {"seconds": round(time.perf_counter() - start, 1), "error": reason}
    else:
        figures = json.loads(printed.splitlines()[-1])
    if over:
        figures["error"] = f"needs more than {place.memory_mb:,} MB of memory"
    return figures | {
        "passed": not figures["error"],
        "peak_memory_mb": round(watch.peak / 1e6),
        "isa": environment.get("ONEDNN_MAX_CPU_ISA", ""),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def environment_of(place):
    """Return the environment of a place's processes, a dict: this one's, less what only our own kernels need."""
    kept = {key: value for key, value in os.environ.items() if key not in OURS}
    threads = {f"{library}_NUM_THREADS": str(place.cores) for library in ("OMP", "OPENBLAS", "MKL")}
    isa = ISA if platform.machine() in ("x86_64", "AMD64") else {}
    return kept | {"JUPYTER_PREFER_ENV_PATH": "1"} | threads | isa | place.environment
