"""Checks for a project on own data: in plain words what is wrong, and which chapter tells it; as `self_check` does.

>>> groups_apart(["a", "a", "b"], ["c", "d"])
✓ 2 groups to learn from and 2 for the test, and none is on both sides
"""

import hashlib
import json

from tlbook.evaluation.self_check import tell, well

PAGE = "the page 'How we measure'"
LEDGER = ("arm", "n_train", "n_choose", "trials", "pretraining", "cpu_seconds")


def groups_apart(known, test):
    """Check that no group (a person, a film, a day) has examples on both sides of the split. Chapter 5.1."""
    known, test = set(known), set(test)
    tell(known and test, f"A side is empty: {len(known)} groups to learn from, {len(test)} for the test.", "5.1")
    both = sorted(known & test)
    tell(
        not both,
        f"{len(both)} groups are on both sides, such as {both[:1]}: the test would ask what is known.",
        "5.1, 'Groups'",
    )
    well(f"{len(known)} groups to learn from and {len(test)} for the test, and none is on both sides")


def seal(protocol):
    """Return the seal of a protocol, a dict that JSON can hold: a short word that changes with any word in it."""
    return hashlib.sha256(json.dumps(protocol, sort_keys=True).encode()).hexdigest()[:12]


def protocol_kept(protocol, written):
    """Check that a protocol is the one whose seal was written down, and that it says what it has to.

    The page "How we measure" says why this comes before the test.
    """
    missing = [name for name in ("question", "measure", "arms", "controls", "chosen by") if not protocol.get(name)]
    tell(not missing, f"The protocol does not say: {', '.join(missing)}.", PAGE)
    unknown = sorted(set(protocol["controls"]) - set(protocol["arms"]))
    tell(not unknown, f"These controls are no arms: {unknown}.", "8.1")
    now = seal(protocol)
    tell(
        now == written,
        f"The seal that you wrote down is {written!r}, and that of this protocol {now!r}: it has changed since. Judge "
        "the new one on data that no run has looked at, and say so.",
        PAGE,
    )
    well(f"the protocol is the one that was written down: {now}")


def ledger_whole(rows, protocol):
    """Check that the ledger has a row for each arm of the protocol, and says what each was given. Chapter 4.3.

    `rows` is a list of dicts with the keys of `LEDGER`.
    """
    arms = {row.get("arm") for row in rows}
    left_out = [name for name in protocol["arms"] if name not in arms]
    tell(not left_out, f"The ledger has no row for {', '.join(left_out)}.", PAGE)
    for row in rows:
        empty = [key for key in LEDGER if row.get(key) in (None, "")]
        tell(not empty, f"The row of {row.get('arm')!r} does not say: {', '.join(empty)}.", "4.3")
    free = [row["arm"] for row in rows if row["trials"] > 1 and not row["n_choose"]]
    tell(not free, f"{', '.join(free)}: settings were tried, and no label chose. Which did?", "8.2")
    well(f"the ledger says what each of {len(arms)} arms was given")


def tested_once(count):
    """Check how often the test was opened. The page "How we measure" tells why once."""
    tell(count == 1, f"The test was opened {count} times. Restart, and run all cells once.", PAGE)
    well("the test was opened once")
