"""Run a submission with limits, without the network and without the hidden checks in reach.

On Linux, `course.jail` builds a cell of namespaces. Where the system offers none, nothing runs, unless the caller asks
for it (`isolated=False`): then the submission runs as any program of this user, with limits, and could read, change and
send whatever this user could. The checks run in another process in both cases, `course.check`.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import psutil

import tlbook
from course import outcome
from course.watch import Watch

HERE = pathlib.Path(__file__).parent
HOUSE = pathlib.Path(tlbook.__file__).parents[1]
INNER = "/scratch"  # where a submission may write in its cell
# All that the cell of a submission holds of the course.
INSIDE = ("__init__.py", "perform.py", "made.py", "watching.py")


class NoIsolation(RuntimeError):
    """The system offers no isolation; the message says why."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds of CPU and of waiting, MB of memory, scratch and result, processes."""

    cpu_s: int = 300
    wall_s: int = 600
    memory_mb: int = 3000
    scratch_mb: int = 256
    made_mb: int = 64
    processes: int = 400

    def system(self):
        """The part of them that the system holds, a dict from RLIMIT_... to a number."""
        return {
            "RLIMIT_CPU": self.cpu_s,
            "RLIMIT_DATA": 2 * self.memory_mb << 20,  # of one process; the watch looks at what all use together
            "RLIMIT_FSIZE": self.scratch_mb << 20,
            "RLIMIT_NPROC": self.processes + tasks_of_this_user(),
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_CORE": 0,
        }


def tasks_of_this_user():
    """Return how many threads this user runs now: older kernels count them against a limit. 0 for root."""
    if not hasattr(os, "getuid") or os.getuid() == 0:
        return 0
    count = 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        if process.info["uids"] and process.info["uids"].real == os.getuid():
            count += process.info["num_threads"] or 1
    return count


def readable():
    """Return what a submission may read: Python, its packages, `tlbook`, the book's tables, the drawn pictures."""
    from tlbook.files import cache

    paths = ["/usr", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", sys.prefix, sys.base_prefix]
    paths += [HOUSE / "tlbook", HOUSE / "results"]
    paths += sorted(cache.cache_dir().glob("emoji10-*"))
    shown, kept = sorted({os.path.abspath(path) for path in paths if os.path.exists(path)}), []
    for path in shown:
        if not any(path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept


def environment(scratch):
    """Return the variables of a submission: none of this user's, no network, the bundled pictures, one thread."""
    from tlbook.files import cache

    return {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(["/grader" if scratch == INNER else str(HERE.parent), str(HOUSE)]),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": scratch,
        "KERAS_HOME": f"{scratch}/keras",
        "TLBOOK_CACHE": str(cache.cache_dir()),
        "TLBOOK_DATA": "emoji10",
        "TLBOOK_OFFLINE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_DETERMINISTIC_OPS": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        **{name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")},
    }


def run(task, limits, isolated=True, core=None):
    """Run the submission in the folder `task` (see `course.perform`) and return its `Outcome`.

    `core` is the processor to run on: with one, the same submission gives the same numbers again. Raises
    `NoIsolation` where the system offers none and `isolated` asks for it.
    """
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        folder = pathlib.Path(folder)
        (folder / "base").mkdir()
        if isolated:
            command, options = _in_a_cell(folder, pathlib.Path(task).resolve(), limits, core)
        else:
            command, options = _openly(folder, pathlib.Path(task).resolve(), limits)
        errors = folder / "errors"
        with errors.open("wb") as said:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=said, **options)
            watch = Watch(process, limits)
            spoken = process.communicate()[0]
            over = watch.close()
            if not isolated and os.name == "posix":
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)  # what it left behind
        if over:
            return outcome.Outcome(over)
        if not isolated:
            path = folder / "scratch" / "made.npz"
            small = path.is_file() and not path.is_symlink() and path.stat().st_size <= limits.made_mb << 20
            return outcome.of_exit(process.returncode, path.read_bytes() if small else b"")
        head, _, content = spoken.partition(b"\n")
        if process.returncode or not head:
            why = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no word"]
            raise NoIsolation(f"no cell could be built for a submission: {why[-1]}")
        return outcome.of_exit(json.loads(head)["exit"], content)


def try_it():
    """Run a submission that does nothing in a cell. Raises `NoIsolation` where that is not possible."""
    from course import submission

    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        submission.prepare(folder, [("cell 1", "x = 1")], [("x", "made['x'] = x")], {})
        if (end := run(folder, Limits(cpu_s=20, wall_s=60))).ending != "whole":
            raise NoIsolation(f"a submission that does nothing {end.words}")


def _in_a_cell(folder, task, limits, core):
    if not sys.platform.startswith("linux"):
        raise NoIsolation(f"a cell for submissions needs Linux, and this is {sys.platform}")
    place = {str(HERE / name): f"/grader/course/{name}" for name in INSIDE}
    place |= {str(task / name): f"/grader/{name}" for name in ("task.json", "probe.npz")}
    config = {
        "base": str(folder / "base"),
        "read": readable(),
        "place": place,
        "scratch_mb": limits.scratch_mb,
        "made_mb": limits.made_mb,
        "limits": limits.system(),
        # Where root grades: a user who owns nothing, of the range for such. Each core has its own, as the limit of
        # processes counts those of a user.
        "user": 61_184 + os.getpid() % 67 * 64 + (core or 0) % 64,
        "core": core,
        "command": [sys.executable, "-P", "-m", "course.perform", "/grader", "/made/made.npz"],
        "environment": environment(INNER),
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return [sys.executable, "-I", str(HERE / "jail.py"), str(folder / "config.json")], {"stdout": subprocess.PIPE}


def _openly(folder, task, limits):
    scratch = folder / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-P", "-m", "course.perform", str(task), str(scratch / "made.npz")]
    options = {"cwd": scratch, "env": environment(str(scratch)), "start_new_session": True}
    options["stdout"] = subprocess.DEVNULL  # a process that it leaves behind would keep a pipe open, for ever
    if os.name == "nt":  # without these, Python does not start there
        options["env"] |= {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
    else:
        from course import jail

        def before():
            if sys.platform.startswith("linux"):
                jail.end_with_parent()
            jail.limit(limits.system())

        options["preexec_fn"] = before
    return command, options
