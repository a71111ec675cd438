"""How the run of a submission ended, in words that a student and a teacher understand."""

import signal
from dataclasses import dataclass

ENDINGS = {
    "whole": "ran to its end",
    "time": "ran longer than the limit and was ended: is there a loop that does not end?",
    "killed": "was ended by the system: it had no memory left, or the limit of time was ignored",
    "memory": "used more memory than the limit and was ended",
    "processes": "started more processes than the limit and was ended",
    "left": "ended Python before its end, so that nothing was handed over",
    "nothing": "handed over nothing",
    "unreadable": "cannot be read as a notebook",
    "damaged": "handed over a file that cannot be read",
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `ending`, a key of `ENDINGS`, and `made`, the bytes that it handed over."""

    ending: str
    made: bytes = b""

    @property
    def words(self):
        """The ending in words."""
        return ENDINGS[self.ending]


def of_exit(code, made):
    """Return the outcome for an exit code, negative for a signal, and what was handed over."""
    for name, ending in (("SIGXCPU", "time"), ("SIGKILL", "killed")):
        if hasattr(signal, name) and code == -getattr(signal, name):  # Windows has neither
            return Outcome(ending)
    if made and code == 0:
        return Outcome("whole", made)
    return Outcome("left" if code >= 0 else "nothing")
