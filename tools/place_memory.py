"""A limit on the memory of a tree of processes, and the most that it used.

The limit is a cgroup where the system lets us make one: the kernel of Linux then holds it, as on Binder. Elsewhere a
thread looks ten times a second and kills.
"""

import contextlib
import pathlib
import threading
import uuid

import psutil

CGROUPS = pathlib.Path("/sys/fs/cgroup")
# The file of the limit, of the processes and of the count of killed ones, in the two versions of cgroups.
V2 = (CGROUPS, "memory.max", "memory.events")
V1 = (CGROUPS / "memory", "memory.limit_in_bytes", "memory.oom_control")


class Cgroup:
    """A control group with a limit on its memory, in bytes, that holds a process and all that it will start."""

    def __init__(self, limit, pid, versions=(V2, V1)):
        """Make it. Raises `OSError` where the system does not let us."""
        for parent, limit_name, self.events in versions:
            for left in parent.glob("tlbook-*"):  # by a run that was ended; a group in use cannot be removed
                with contextlib.suppress(OSError):
                    left.rmdir()
            self.folder = parent / f"tlbook-{uuid.uuid4().hex}"
            try:
                self.folder.mkdir()
            except OSError:
                continue
            try:
                if not (self.folder / limit_name).exists():
                    raise OSError(f"{parent} hands out no memory")
                (self.folder / limit_name).write_text(str(limit))
                with contextlib.suppress(OSError):  # no swap: a page that is written out is no longer counted
                    (self.folder / "memory.swap.max").write_text("0")
                (self.folder / "cgroup.procs").write_text(str(pid))
                return
            except OSError:
                self.folder.rmdir()
        raise OSError("no cgroup can be made")

    def close(self):
        """Remove the group, whose processes have ended. Return whether one was killed for its memory."""
        words = (self.folder / self.events).read_text().split()
        with contextlib.suppress(OSError):  # a process that has just ended may still be counted: an empty group is left
            self.folder.rmdir()
        return int(words[words.index("oom_kill") + 1]) > 0 if "oom_kill" in words else False


class Watch:
    """Watch a process and all that it starts until `close`; end what it started when all together pass the limit.

    Parameters
    ----------
    pid : int
        Of the process.
    limit : int, optional
        In bytes. Default: none.
    cgroups : bool
        Ask for a cgroup first.

    `peak` is the largest memory of what it started, in bytes, less its own: the process runs a notebook, and the
    notebook is what is measured. Where the system tells (Linux), a page that several processes share counts once.
    """

    def __init__(self, pid, limit=None, cgroups=True):
        """Start watching."""
        self.process, self.limit, self.peak, self.over, self.group = psutil.Process(pid), limit, 0, False, None
        if limit and cgroups:
            with contextlib.suppress(OSError):
                self.group = Cgroup(limit, pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def close(self):
        """Stop. Return whether the limit was passed."""
        self._done.set()
        self._thread.join()
        if self.group:
            self.over = self.group.close()
        return self.over

    def _look(self):
        while not self._done.wait(0.1):
            with contextlib.suppress(psutil.NoSuchProcess):
                started = self.process.children(recursive=True)
                used = sum(map(memory, started))
                self.peak = max(self.peak, used)
                if self.limit and not self.group and used + memory(self.process) > self.limit:
                    self.over = True
                    for process in started:
                        with contextlib.suppress(psutil.NoSuchProcess):
                            process.kill()


def memory(process):
    """Return the bytes that a process uses, each shared page counted in part, or 0 where it has ended."""
    try:
        found = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return getattr(found, "pss", found.rss)
