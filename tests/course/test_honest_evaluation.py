"""Assignment 5: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

Nothing is trained, so all mistakes are always tried.
"""

import pytest
import submissions

from course import assignment, student

TASK = assignment.find("05_evaluation")
CODE = submissions.code_of(student.solution(TASK))
# From a mistake to the function that holds it and the checks that it costs: all of one question.
MISTAKES = {
    "recordings are cut, not speakers": (
        """
def split(speakers, share, seed):
    order = np.random.default_rng(seed).permutation(len(speakers))
    n = round(share * len(speakers))
    return order[n:], order[:n]
""",
        {"no speaker on both sides"},
    ),
    "one recording of each speaker": (
        """
def split(speakers, share, seed):
    names, first = np.unique(speakers, return_index=True)
    order = np.random.default_rng(seed).permutation(first)
    n = round(share * len(names))
    return order[n:], order[:n]
""",
        {"every recording once"},
    ),
    "the fold chooses what it judges": (
        """
def nested(folds, settings, judge):
    found = []
    for number, held in enumerate(folds):
        rest = np.concatenate(folds[:number] + folds[number + 1 :])
        shares = {setting: judge(setting, rest, held) for setting in settings}
        best = max(shares, key=shares.get)
        found.append((best, shares[best]))
    return found
""",
        {"a fold is asked about one setting", "the others choose, the fold judges"},
    ),
    "the share that chose is reported": (
        """
def nested(folds, settings, judge):
    found = []
    for number, held in enumerate(folds):
        others = folds[:number] + folds[number + 1 :]
        means = {
            setting: np.mean(
                [judge(setting, np.concatenate(others[:k] + others[k + 1 :]), one) for k, one in enumerate(others)]
            )
            for setting in settings
        }
        best = max(means, key=means.get)
        judge(best, np.concatenate(others), held)
        found.append((best, means[best]))
    return found
""",
        {"the others choose, the fold judges"},
    ),
    "the test chooses": (
        """
def report(validation, test):
    return float(test.max(axis=1).mean())
""",
        {"the validation set chooses"},
    ),
    "the best seed": (
        """
def report(validation, test):
    return float(test[np.arange(len(test)), validation.argmax(axis=1)].max())
""",
        {"all seeds are reported"},
    ),
    "an element-wise metric": (
        """
def right(labels, scores):
    said = scores == scores.max(axis=-1, keepdims=True)
    return (said == np.eye(scores.shape[-1], dtype=bool)[labels]).mean(axis=-1)
""",
        {"whole recordings are counted"},
    ),
    "b less a": (
        """
def interval(a, b, speakers, draws, seed):
    mean, low, high = bootstrapped(b, a, speakers, draws, seed)
    return mean, low, high
""",
        {"the mean of the paired difference"},
    ),
    "an unpaired interval": (
        """
def interval(a, b, speakers, draws, seed):
    _, first, last = bootstrapped(a, np.zeros_like(a), speakers, draws, seed)
    _, low, high = bootstrapped(b, np.zeros_like(b), speakers, draws, seed + 1)
    mean, half = a.mean() - b.mean(), np.hypot(last - first, high - low) / 2
    return mean, mean - half, mean + half
""",
        {"the arms are paired"},
    ),
    "recordings are drawn, not speakers": (
        """
def interval(a, b, speakers, draws, seed):
    return bootstrapped(a, b, np.arange(len(speakers)), draws, seed)
""",
        {"whole speakers are drawn"},
    ),
    "speakers are drawn, seeds are not": (
        """
def interval(a, b, speakers, draws, seed):
    mean = (a.astype(float) - b).mean(axis=0)
    return mean.mean(), *evaluation.bootstrap(mean, speakers, draws, seed)
""",
        {"seeds are drawn too"},
    ),
    "the middle of the interval decides": (
        """
def verdict(low, high):
    if low + high > 0:
        return "better", max(low, 0)
    return "worse", max(-high, 0)
""",
        {"zero inside is not told apart"},
    ),
    "a verdict of the mean": (
        """
def verdict(low, high):
    if low <= 0 <= high:
        return "not told apart", 0
    return "better" if low > 0 else "worse", abs(low + high) / 2
""",
        {"no more than the nearer end"},
    ),
    "Holm without the maximum": (
        """
def holm(p):
    ranks = np.argsort(np.argsort(p))
    return np.minimum(1, (len(p) - ranks) * p)
""",
        {"none smaller than one before it"},
    ),
    "nothing is corrected": (
        """
def holm(p):
    return np.asarray(p)
""",
        {"a smaller step each time", "none smaller than one before it"},
    ),
    "labels that choose are not counted": (
        """
def ledger(arm):
    trials = int(np.prod([len(tried) for tried in arm["grid"].values()]))
    return {"n_train": len(set(arm["learned from"])), "n_choose": 0, "n_source": arm["source labels"], "trials": trials}
""",
        {"labels that chose"},
    ),
    "only the winner is a trial": (
        """
def ledger(arm):
    taught, chose = set(arm["learned from"]), set(arm["chose by"])
    return {"n_train": len(taught), "n_choose": len(chose - taught), "n_source": arm["source labels"], "trials": 1}
""",
        {"every setting is a trial"},
    ),
    "each form of a recording is a label": (
        """
def ledger(arm):
    trials = int(np.prod([len(tried) for tried in arm["grid"].values()]))
    chose = len(set(arm["chose by"]) - set(arm["learned from"]))
    return {
        "n_train": len(arm["learned from"]), "n_choose": chose, "n_source": arm["source labels"], "trials": trials
    }
""",
        {"labels that taught"},
    ),
    "all bins count alike": (
        """
def calibration_error(probabilities, labels, bins):
    sure, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.ceil(sure * bins).astype(int)
    return np.mean([abs((hit - sure)[which == k].mean()) for k in set(which)])
""",
        {"bins count by their answers"},
    ),
    "the probability of the true word": (
        """
def calibration_error(probabilities, labels, bins):
    sure, hit = probabilities[np.arange(len(labels)), labels], probabilities.argmax(axis=1) == labels
    which = np.ceil(sure * bins).astype(int)
    return sum(abs((hit - sure)[which == k].sum()) for k in range(bins + 1)) / len(labels)
""",
        {"confidence in the answer given", "bins count by their answers"},
    ),
}


[RIGHT] = [source for _, source in CODE if source.startswith("def interval(")]
BOOTSTRAPPED = RIGHT.replace("def interval(", "def bootstrapped(")  # a mistake in `interval` may call the right one
WHOLE = {
    name: (f"{function}\n\n{BOOTSTRAPPED}" if "bootstrapped(" in function else function, costs)
    for name, (function, costs) in MISTAKES.items()
}


class TestMarks(submissions.tests("05_evaluation", WHOLE, solved=submissions.code_of)):
    @pytest.mark.parametrize("seed", range(5))
    def test_another_honest_bootstrap_gets_the_marks_too(self, seed, inputs):
        """Other draws, and as few as 300 of them, lose no mark: the bounds on widths are wide enough."""
        cells = [(name, source.replace("default_rng(seed), a", f"default_rng({seed}), a")) for name, source in CODE]
        changed = [(name, source.replace("in range(draws)", "in range(300)")) for name, source in cells]
        assert changed != CODE
        assert not submissions.lost(TASK, changed, inputs)
