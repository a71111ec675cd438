"""A watch on a process and all that it starts: the limits that the system does not hold for all of them together."""

import contextlib
import threading
import time

import psutil


class Watch:
    """Look at a process and all that it starts, ten times a second; end all of it when it passes a limit."""

    def __init__(self, process, limits):
        """Start to look."""
        self.process, self.limits, self.over, self._done = process, limits, None, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self):
        """Stop; return the key of the limit that was passed, or None."""
        self._done.set()
        self._thread.join()
        return self.over

    def _look(self):
        start = time.monotonic()
        while not self._done.wait(0.1):
            family = self._family()
            if time.monotonic() - start > self.limits.wall_s:
                self.over = "time"
            elif len(family) > self.limits.processes // 8:  # the limit of the system counts threads as well
                self.over = "processes"
            elif sum(map(_memory, family)) > self.limits.memory_mb << 20:
                self.over = "memory"
            if self.over:
                self._end(family)
                return

    def _end(self, family):
        with contextlib.suppress(psutil.Error):
            family = [*family, psutil.Process(self.process.pid)]
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()  # the end of the first process of a cell ends all others in it

    def _family(self):
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []


def _memory(process):
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0
