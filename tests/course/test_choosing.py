"""Assignment 6: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

What is tried here are functions on made-up inputs. So mistakes run without the networks of the publishers: the cells
that need these fail, and no function of the student's may depend on them.
"""

import submissions

# From a mistake to the function that holds it and the checks that it costs.
MISTAKES = {
    "the licence is ignored": (
        """
def reasons(sheet, need, licences):
    smallest, largest = sheet["sides"]
    against = {
        "input": sheet["kind"] != need["kind"] or not smallest <= need["side"] <= largest,
        "memory": sheet["parameters"] * 4 / 1e6 > need["memory_mb"],
        "seen": need["test"] in sheet["seen"],
    }
    return [word for word, holds in against.items() if holds]
""",
        {"the licence permits the use"},
    ),
    "no licence passes for a permission": (
        """
def reasons(sheet, need, licences):
    smallest, largest = sheet["sides"]
    against = {
        "licence": need["use"] not in licences.get(sheet["licence"], {need["use"]}),
        "input": sheet["kind"] != need["kind"] or not smallest <= need["side"] <= largest,
        "memory": sheet["parameters"] * 4 / 1e6 > need["memory_mb"],
        "seen": need["test"] in sheet["seen"],
    }
    return [word for word, holds in against.items() if holds]
""",
        {"the licence permits the use"},
    ),
    "parameters are taken for bytes": (
        """
def reasons(sheet, need, licences):
    smallest, largest = sheet["sides"]
    against = {
        "licence": need["use"] not in licences.get(sheet["licence"], set()),
        "input": sheet["kind"] != need["kind"] or not smallest <= need["side"] <= largest,
        "memory": sheet["parameters"] / 1e6 > need["memory_mb"],
        "seen": need["test"] in sheet["seen"],
    }
    return [word for word, holds in against.items() if holds]
""",
        {"input, memory and what it has seen"},
    ),
    "the preparation of another model": (
        """
def prepare_for(sheet, images):
    return (images / 127.5 - 1).astype("float32")
""",
        {"each model gets its own preparation"},
    ),
    "the order of the channels is forgotten": (
        """
def prepare_for(sheet, images):
    wanted = sheet["preparation"]
    return ((images - np.asarray(wanted["mean"])) / np.asarray(wanted["deviation"])).astype("float32")
""",
        {"each model gets its own preparation"},
    ),
    "redrawn at another scale": (
        """
def redrawn(weights, seed):
    draw = np.random.default_rng(seed)
    return [draw.normal(0, 0.05, one.shape) for one in weights]
""",
        {"only shape, mean and deviation are left"},
    ),
    "noise is added to what was learned": (
        """
def redrawn(weights, seed):
    draw = np.random.default_rng(seed)
    return [(one + draw.normal(one.mean(), one.std(), one.shape)) / 2**0.5 for one in weights]
""",
        {"only shape, mean and deviation are left"},
    ),
    "the training fit judges": (
        """
def right_by_folds(features, labels, folds, seed):
    probe = heads.linear_probe(features, labels, C)
    return (probe.predict(features) == labels).astype("float64")
""",
        {"each picture is judged unseen"},
    ),
    "the folds are learned from as well": (
        """
def right_by_folds(features, labels, folds, seed):
    right = np.zeros(len(labels))
    for _, judge in StratifiedKFold(folds, shuffle=True, random_state=seed).split(features, labels):
        right[judge] = heads.linear_probe(features, labels, C).predict(features[judge]) == labels[judge]
    return right
""",
        {"each picture is judged unseen"},
    ),
    "the sign of the score is reversed": (
        """
def ranked(scores):
    return sorted(scores, key=scores.get)
""",
        {"a larger score is better"},
    ),
    "the score is taken without its sign": (
        """
def ranked(scores):
    return sorted(scores, key=lambda name: abs(scores[name]))
""",
        {"a larger score is better"},
    ),
    "the test chooses": (
        """
def best_of(shares):
    return max(shares, key=lambda name: shares[name]["test"])
""",
        {"neither test nor training fit chooses"},
    ),
    "the training fit chooses": (
        """
def best_of(shares):
    return max(shares, key=lambda name: shares[name]["training"])
""",
        {"neither test nor training fit chooses"},
    ),
    "two intervals that overlap": (
        """
def not_told_apart(right, best):
    ends = {name: evaluation.interval(values) for name, values in right.items()}
    return [name for name, (mean, half) in ends.items() if mean + half >= ends[best][0] - ends[best][1]]
""",
        {"an interval of paired differences decides"},
    ),
    "the largest share alone": (
        """
def not_told_apart(right, best):
    return [best]
""",
        {"an interval of paired differences decides"},
    ),
    "a control is left out": (
        """
def against_controls(right, chosen, controls):
    mean, half = evaluation.paired(right[chosen], right[controls[0]])
    return "not told apart" if abs(mean) <= half else "better" if mean > 0 else "worse"
""",
        {"the strongest control is asked"},
    ),
    "guessing is the control": (
        """
def against_controls(right, chosen, controls):
    return "better" if np.mean(right[chosen]) > 0.1 else "worse"
""",
        {"the strongest control is asked"},
    ),
    "labels that choose are not counted": (
        """
def labels_used(judging, teaching):
    return len(teaching)
""",
        {"labels that choose are counted"},
    ),
    "labels are paid for twice": (
        """
def labels_used(judging, teaching):
    return len(judging) + len(teaching)
""",
        {"labels that choose are counted"},
    ),
    "another correlation": (
        """
def kendall(said, trusted):
    return float(np.corrcoef([said[name] for name in said], [trusted[name] for name in said])[0, 1])
""",
        {"pairs in the same order are counted"},
    ),
    "compared by place and not by name": (
        """
def kendall(said, trusted):
    pairs = itertools.combinations(zip(said.values(), trusted.values(), strict=True), 2)
    return float(np.mean([np.sign((a[0] - b[0]) * (a[1] - b[1])) for a, b in pairs]))
""",
        {"pairs in the same order are counted"},
    ),
}


def few(notebook):
    """Return the code of a notebook with few passes."""
    return submissions.code_of(notebook, [(r"EPOCHS = 5\b", "EPOCHS = 1")])


def without_networks(notebook):
    """Return the code of a notebook without the networks of the publishers."""
    return submissions.code_of(notebook, [(r"(?s)def body_of\(.*", "")])


SOME = ("the licence is ignored", "the training fit judges", "a control is left out", "two intervals that overlap")
TestMarks = submissions.tests("06_choosing", MISTAKES, without_networks, few, always=SOME)
