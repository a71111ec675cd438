"""Grade all submissions of an assignment: `python -m course.grade NAME SUBMISSIONS`.

Each submission runs in a cell of its own (`course.isolation`), and the hidden checks run on what it made, in another
process (`course.check`). What is known is kept after each submission, so a grading that was stopped goes on from there,
and a second one changes nothing.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import queue
import signal
import sys
import tempfile

import numpy as np

from course import assignment, bands, check, feedback, isolation, outcome, state, submission, tables
from tlbook.commands import speed

RISKS = """--without-isolation: submissions run as programs of this user. One of them could read the hidden checks and
the work of others, change or delete any file of yours, and send it away. Use it only on a machine that holds nothing
else, such as a fresh virtual machine without a network."""


class Grading:
    """The grading of an assignment: `task`, the folder `into` that gets the results, limits, and the way to run."""

    def __init__(self, task, into, limits=None, isolated=True, workers=1):
        """Prepare what the submissions will be tried on."""
        self.task, self.into, self.isolated = task, pathlib.Path(into), isolated
        self.limits, self.workers = limits or isolation.Limits(), workers
        self.states = state.States(self.into / "state")
        if task.needs_bands and not bands.of(task.folder):
            raise ValueError(
                f"{task.folder}: no seeds.csv to judge an accuracy by: python -m course.record {task.name}"
            )
        self.probe, self.truth = task.probe()
        self.digest = task.digest()

    def run(self, submissions, say=print):
        """Grade what is not graded yet, and return the states in the order of the submissions."""
        cores = queue.SimpleQueue()
        every = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]
        for worker in range(self.workers):
            cores.put(every[worker % len(every)])
        with tempfile.TemporaryDirectory(prefix="course-") as folder:
            np.savez(pathlib.Path(folder) / "probe.npz", **self.probe)
            np.savez(pathlib.Path(folder) / "truth.npz", **self.truth)
            with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
                work = [pool.submit(self._known_or_graded, one, folder, cores, say) for one in submissions]
                try:
                    return [one.result() for one in work]
                except BaseException:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise

    def _known_or_graded(self, one, truth, cores, say):
        content = one.path.read_bytes()
        parts = (content, repr((self.digest, self.limits, self.isolated)).encode())
        digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
        if known := self.states.get(one.student, digest):
            return known
        core = cores.get()
        try:
            found = self._graded(content, truth, core)
        finally:
            cores.put(core)
        found |= {"student": one.student, "digest": digest}
        self.states.keep(one.student, found)
        say(f"{one.student}: {tables.total(found)} of {self.task.marks}; the notebook {found['words']}")
        return found

    def _graded(self, content, truth, core):
        try:
            cells = submission.code_cells(content)
        except submission.Unreadable:
            return self._nothing("unreadable")
        with tempfile.TemporaryDirectory(prefix="course-") as folder:
            submission.prepare(folder, cells, self.task.records, self.probe)
            end = isolation.run(folder, self.limits, self.isolated, core)
            if end.ending != "whole":
                return self._nothing(end.ending)
            found = check.apart(self.task, truth, end.made, folder)
        if "damaged" in found:
            return self._nothing("damaged")
        return self._state(end.ending, found["results"], **found["report"])

    def _nothing(self, ending):
        """Return the state of a submission that handed over nothing."""
        words = f"The notebook {outcome.ENDINGS[ending]}."
        results = [{"check": one.name, "marks": 0, "of": one.marks, "words": words} for one in self.task.checks]
        return self._state(ending, results)

    def _state(self, ending, results, errors=(), notes=()):
        words = outcome.ENDINGS[ending]
        return {"ending": ending, "words": words, "results": results, "errors": list(errors), "notes": list(notes)}


def write(task, states, folder, into):
    """Write the tables and the feedback. They hold no times, so that the same grading gives the same files."""
    into, known = pathlib.Path(into), tables.people(folder, [one["student"] for one in states])
    state.write(into / "grades.csv", tables.grades(task, states))
    state.write(into / "grades-moodle.csv", tables.moodle(task, states, known))
    state.write(into / "grades-canvas.csv", tables.canvas(task, states, known))
    state.write(into / "report-for-the-teacher.csv", tables.report(states))
    for one in states:
        state.write(into / "feedback" / f"{state.file_name(one['student'])}.html", feedback.page(task, one))


def stop(number, _):
    """End at once. The cells end with this process; what was graded is kept."""
    print("\nStopped. The same command goes on from there.", file=sys.stderr, flush=True)
    os._exit(128 + number)


def main(arguments=None):
    """Grade; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m course.grade", description=__doc__.splitlines()[0])
    parser.add_argument("assignment", help="the name of an assignment, such as 01_three_stages")
    parser.add_argument("submissions", type=pathlib.Path, help="a folder with NAME.ipynb or NAME/any.ipynb")
    parser.add_argument("--into", type=pathlib.Path, help="a folder for the results (default: SUBMISSIONS-graded)")
    parser.add_argument("--workers", type=int, default=speed.cores(), help="how many at a time (%(default)s)")
    parser.add_argument("--without-isolation", action="store_true", help=RISKS)
    options = parser.parse_args(arguments)
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), stop)
    isolated = not options.without_isolation
    into = options.into or options.submissions.with_name(f"{options.submissions.name}-graded")
    try:
        task, found = assignment.find(options.assignment), submission.all_in(options.submissions)
        if isolated:
            isolation.try_it()
        else:
            print(f"WARNING: {RISKS}", file=sys.stderr)
        states = Grading(task, into, isolated=isolated, workers=max(1, options.workers)).run(found)
        write(task, states, options.submissions, into)
    except isolation.NoIsolation as error:
        print(f"Nothing was graded: {error}\n\nTo grade all the same:\n{RISKS}", file=sys.stderr)
        return 2
    except (ValueError, OSError, RuntimeError) as error:
        print(f"python -m course.grade: {error}", file=sys.stderr)
        return 1
    print(f"{len(states)} submissions: {into / 'grades.csv'}, tables for Moodle and Canvas, and feedback beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
