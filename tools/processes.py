"""Trees of processes: end all that this one started, and end it when whoever started it is gone or gives up.

Run as a script, `processes.py PID COMMAND ...`, it runs a command and ends it, with all that this has started, when
the process `PID`, which started the script, is gone.
"""

import atexit
import contextlib
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time

import psutil

GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


def end_descendants():
    """Kill every process that this one started, and what those started.

    All are stopped before the first is killed: none can start another that nobody has seen. They are killed from
    outside because a kernel that computes in C hears nothing else.
    """
    seen = set()
    while new := set(psutil.Process().children(recursive=True)) - seen:
        seen |= new
        for process in new:
            with contextlib.suppress(*GONE):
                process.suspend()
    for process in seen:
        with contextlib.suppress(*GONE):
            process.kill()


# Whoever ends the process keeps it. Without it, the main thread could leave when the first of its children dies, and
# the thread that kills would go with it: the others would stay, suspended, for ever.
_ending = threading.RLock()
atexit.register(_ending.acquire)


def end(status):
    """End this process and all that it started, now."""
    _ending.acquire()
    end_descendants()
    os._exit(status)


def end_on_signals(message):
    """Say `message` and end with all that was started on Ctrl-C, on a request to end, and when the terminal closes."""

    def stop(number, _):
        print(f"\n{message}", file=sys.stderr, flush=True)
        end(128 + number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and only Windows has SIGBREAK
        if number and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):  # nohup
            signal.signal(number, stop)


def end_with_parent(pid):
    """End with all that was started when process `pid`, which started this one, is gone, or was interrupted.

    A killed `make` tells nobody. An interrupted one waits for its command, which hears of it only at a terminal.
    """

    def gone():
        # Where Windows starts Python through a launcher, that is its parent.
        return not psutil.pid_exists(pid) if os.name == "nt" else os.getppid() != pid

    if gone():
        end(1)
    caught = "make" in psutil.Process(pid).name() and catches_interrupts(pid)

    def watch():
        while not gone():
            if caught and catches_interrupts(pid) is False:
                break
            time.sleep(0.3)
        end(1)

    threading.Thread(target=watch, daemon=True).start()


def end_together(message):
    """End as `end_on_signals` says, and under `make` with the process that started this one as well."""
    end_on_signals(message)
    if "MAKELEVEL" in os.environ:
        end_with_parent(os.getppid())


def catches_interrupts(pid):
    """Return whether a process handles SIGINT itself, or None where the system does not tell (only Linux does).

    `make` stops to do so when the first one arrives.
    """
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGINT - 1) & 1)


def lines_of_input():
    """Return an iterator over the lines of standard input, which is read from now on.

    When it closes, whoever wrote the lines is gone: this process ends with all that it started.
    """
    arrived = queue.SimpleQueue()

    def listen():
        for line in sys.stdin:
            arrived.put(line)
        end(0)

    threading.Thread(target=listen, daemon=True).start()
    return iter(arrived.get, None)


def guarded(*command):
    """Return a command that does the same as `command`, and ends when this process is gone, however that ended."""
    return [sys.executable, __file__, str(os.getpid()), *map(str, command)]


def main():
    """Run the command that stands on the command line, and return its exit status."""
    parent, *command = sys.argv[1:]
    end_on_signals("Ended. The same command goes on from there.")
    end_with_parent(int(parent))
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
