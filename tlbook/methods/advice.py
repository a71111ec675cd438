"""Advice from the record: what our own runs say to somebody with so many labels, such a source and so much compute.

Nothing here is a rule of thumb. Each sentence counts recorded comparisons; where none was made, it says so.
"""

import itertools
import math

from tlbook.methods import cases, comparisons
from tlbook.methods.cases import HEAD, NETWORK

# What a reader chooses from: for each question its answers, by the word that the rows carry.
KINDS = {"images": "images", "text": "text", "speech": "speech"}
LABELS = {
    "none": "none",
    "tens": "tens (below 75)",
    "hundreds": "hundreds (below 500)",
    "thousand": "about a thousand (below 5,000)",
    "more": "more",
}
_FROM = {"none": 0, "tens": 1, "hundreds": 75, "thousand": 500, "more": 5_000}  # the least number of each
NEARNESS = {
    "near": "its inputs look like mine, and its question was mine",
    "half": "its inputs look like mine, or its question was mine, not both",
    "far": "neither",
}
COMPUTE = {
    HEAD: "seconds: run a network once, fit a linear classifier",
    NETWORK: "minutes: train weights of the network as well",
}
SILENT = "No run of ours answers this."


def label_range(word):
    """Return the numbers of labels that a word of `LABELS` stands for: `(least, most)`, both included."""
    words = list(_FROM)
    place = words.index(word)
    return _FROM[word], math.inf if word == words[-1] else _FROM[words[place + 1]] - 1


def say(rows, advise=True):
    """Say in a few sentences what some rows of `comparisons` show; at least one.

    The first sentence is advice, unless `advise` is false: rows from another situation are counted, and advise nothing.
    Rows of a single collection of data never say more than "try" or "first". Taught in chapter 8.1.
    """
    ahead, behind = (rows["mean"] > rows.half).sum(), (rows["mean"] < -rows.half).sum()
    total, collections = len(rows), rows.collection.nunique()
    if ahead == total and collections > 1:
        verdict = "Transfer."
    elif behind == total and collections > 1:
        verdict = "Leave it: take the control."
    elif not ahead:
        verdict = "Take the control first."
    elif not behind:
        verdict = "Try transfer, with the control beside it."
    else:
        verdict = "It depends: begin with the control, and try the nearest source that you find."
    low, high = 100 * rows["mean"].min(), 100 * rows["mean"].max()
    if total == 1:
        found = (
            f"{_counted(ahead, total - ahead - behind, behind, 'the strongest control', one=True)}, {low:+.1f} points"
        )
        said = f"In the one comparison that was recorded, transfer was {found}. One is little."
    else:
        found = _counted(ahead, total - ahead - behind, behind, "the strongest control")
        of = "one collection of data" if collections == 1 else f"{collections} collections of data"
        said = f"In {total} recorded comparisons on {of} transfer was {found}, {low:+.1f} to {high:+.1f} points."
    return (f"{verdict} " if advise else "") + said + _of_network(rows) + _of_choice(rows)


def _of_choice(rows):
    """Say where settings were chosen on more labels than taught: a reader with as few labels would not have those."""
    more = rows[rows.n_choose > rows.n_train]
    if more.empty:
        return ""
    which = "there" if len(more) == len(rows) else f"in {len(more)} of them"
    return (
        f" Beware: {which} the settings were chosen on more labels than taught, up to"
        f" {more.n_choose.max():,.0f} further ones."
    )


def _counted(ahead, same, behind, other, one=False):
    """Return in words how often something was ahead, not told apart and behind, without what never happened."""
    counts = {"ahead of {}": ahead, "not told apart from {}": same, "behind {}": behind}
    happened = [(words, count) for words, count in counts.items() if count]
    named = [words.format(other if place == 0 else "it") for place, (words, _) in enumerate(happened)]
    return ", ".join(words if one else f"{words} in {count}" for words, (_, count) in zip(named, happened, strict=True))


def _of_network(rows):
    """Say what it added to train weights of the network, where both ways were recorded."""
    both = rows.dropna(subset="over_head")
    if both.empty:
        return ""
    helped, hurt = (both.over_head > both.over_head_half).sum(), (both.over_head < -both.over_head_half).sum()
    found = _counted(helped, len(both) - helped - hurt, hurt, "a linear classifier alone")
    return f" To train weights of the network as well was {found}."


def answer(rows, kind, labels, near, compute):
    """Return what the record says to one choice: `say`, the `rows` behind it (positions), and `nearest`.

    Where no row fits, `say` is `SILENT`, and `nearest` says in words in what the rows differ that come closest: first
    in the number of labels, then in the kind of inputs; "" where there are none either. Raises `ValueError` for a word
    that is not among `KINDS`, `LABELS`, `NEARNESS` or `COMPUTE`. Taught in chapter 8.1.
    """
    asked = {"kind": (kind, KINDS), "labels": (labels, LABELS), "near": (near, NEARNESS), "compute": (compute, COMPUTE)}
    for name, (word, known) in asked.items():
        if word not in known:
            raise ValueError(f"{name}: got {word!r}, expected one of {', '.join(known)}")
    least, most = label_range(labels)
    possible = rows[(rows.near == near) & rows.trains.isin([HEAD] if compute == HEAD else [HEAD, NETWORK])]
    right_kind, right_size = possible.kind == kind, possible.n_train.between(least, most)
    tries = (
        (right_kind & right_size, ""),
        (right_kind, "The nearest that we have: the same kind of inputs and of source, with other numbers of labels."),
        (right_size, "The nearest that we have: as many labels and such a source, with another kind of inputs."),
    )
    for fits, difference in tries:
        if fits.any():
            found = possible[fits]
            said = f"{SILENT} {difference} {say(found, advise=False)}" if difference else say(found)
            return {"say": said, "rows": found.index.tolist(), "nearest": difference}
    return {"say": SILENT, "rows": [], "nearest": ""}


def evidence():
    """Return all that the decision aid shows, ready for JSON: `questions`, `rows`, and `answers` to every choice.

    The key of an answer is its four words with a bar between them. Taught in chapter 8.1.
    """
    rows = comparisons.comparisons()
    questions = {"kind": KINDS, "labels": LABELS, "near": NEARNESS, "compute": COMPUTE}
    answers = {"|".join(words): answer(rows, *words) for words in itertools.product(*questions.values())}
    return {"questions": questions, "rows": [_shown(row) for row in rows.itertuples()], "answers": answers}


def _shown(row):
    """Return a row as readers see it, and the numbers that are drawn."""
    seconds = "–" if math.isnan(row.cpu_seconds) else f"{row.cpu_seconds:,.0f}"
    way = {HEAD: "linear classifier", NETWORK: "network trained"}[row.trains]
    return {
        "target": row.target,
        "source": row.source,
        "way": way if row.n_train else "as published",
        "labels": f"{row.n_train:,} + {row.n_choose:,.0f}",
        "control": cases.CONTROLS.get(row.control, row.control.replace("_", " ")),
        "verdict": row.verdict,
        "seconds": seconds,
        "runs": row.runs,
        "mean": round(100 * row.mean, 2),
        "half": round(100 * row.half, 2),
        "chapter": row.chapter,
        "place": ".".join(str(int(part)) for part in row.chapter.split("_")[:2]),
    }
