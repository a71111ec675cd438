"""Assignment 3: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

The checks try functions alone, so no network is trained here, but for the one run in a cell.
"""

import submissions

# From a mistake to the function that holds it, or to pieces of text (right, wrong); and to the checks that it costs.
MISTAKES = {
    "U h is left out": (
        [("h = f(W @ x_t + U @ h + b)", "h = f(W @ x_t + U @ np.zeros(len(b)) + b)")],
        {"the state is carried", "a sequence begins at its start"},
    ),
    "the state is not carried": (
        [("states.append(h)\n    return", "states.append(h)\n        h = np.zeros(len(b))\n    return")],
        {"the state is carried"},
    ),
    "the start is left out": (
        [("h = np.zeros(len(b)) if start is None else start", "h = np.zeros(len(b))")],
        {"a sequence begins at its start"},
    ),
    "U is not transposed": (
        [("return kernel.T, recurrent.T, bias", "return kernel.T, recurrent, bias")],
        {"both matrices are transposed"},
    ),
    "the state goes over to the next sequence": (
        """
def read(x, real, W, U, b, f):
    h, last = None, []
    for words, places in zip(x, real, strict=True):
        h = recur(words[places], W, U, b, f, h)[-1]
        last.append(h)
    return np.array(last)
""",
        {"each sequence begins anew"},
    ),
    "padding read as data": (
        """
def read(x, real, W, U, b, f):
    return np.array([recur(words, W, U, b, f)[-1] for words in x])
""",
        {"padding behind does not count", "padding in front does not count"},
    ),
    "the state at the place of the number of words": (
        """
def read(x, real, W, U, b, f):
    return np.array([recur(words, W, U, b, f)[n - 1] for words, n in zip(x, real.sum(axis=1), strict=True)])
""",
        {"padding in front does not count"},
    ),
    "the state of the last place": (
        """
def read(x, real, W, U, b, f):
    last = []
    for words, places in zip(x, real, strict=True):
        first = int(np.argmax(places))
        last.append(recur(words[first:], W, U, b, f)[-1])
    return np.array(last)
""",
        {"padding behind does not count"},
    ),
    "zeros for padding": (
        """
def read(x, real, W, U, b, f):
    return np.array([recur(words, W, U, b, f)[-1] for words in x * real[..., None]])
""",
        {"padding behind does not count", "padding in front does not count"},
    ),
    "a mean that depends on the length": (
        """
def mean_state(states, real):
    return (states * real[..., None]).mean(axis=1)
""",
        {"the mean is over words"},
    ),
    "padding in the mean": (
        """
def mean_state(states, real):
    return states.mean(axis=1)
""",
        {"the mean is over words"},
    ),
    "the product from the right": (
        [("np.diag(1 - h**2) @ U @ product", "product @ np.diag(1 - h**2) @ U")],
        {"the product is in its order"},
    ),
    "the slope on the wrong side": (
        [("np.diag(1 - h**2) @ U @ product", "U @ np.diag(1 - h**2) @ product")],
        {"the product is in its order"},
    ),
    "powers of U alone": (
        [("np.diag(1 - h**2) @ U @ product", "U @ product")],
        {"the slope of tanh is a factor", "the product is in its order"},
    ),
    "the spectral radius for the norm": (
        """
def size(matrices):
    return np.abs(np.linalg.eigvals(matrices)).max(axis=1)
""",
        {"the size is the largest singular value"},
    ),
    "gates as ONNX keeps them": (
        [("a_i, a_f, a_c, a_o = np.split", "a_i, a_o, a_f, a_c = np.split")],
        {"the gates are in Keras's order"},
    ),
    "input and forget gate exchanged": (
        [("a_i, a_f, a_c, a_o = np.split", "a_f, a_i, a_c, a_o = np.split")],
        {"the gates are in Keras's order"},
    ),
    "a sigmoid for the new": (
        [("sigmoid(a_i) * np.tanh(a_c)", "sigmoid(a_i) * sigmoid(a_c)")],
        {"the cell keeps and adds"},
    ),
    "no tanh on the way out": (
        [("return sigmoid(a_o) * np.tanh(c), c", "return sigmoid(a_o) * c, c")],
        {"the state is what the output gate lets out"},
    ),
    "a word counts once": (
        [("row[number] += 1", "row[number] = 1")],
        {"each word is counted"},
    ),
    "padding counted": (
        [("            if number:\n                row[number] += 1", "            row[number] += 1")],
        {"padding is no word"},
    ),
    "the test chooses": (
        [('key=lambda setting: runs[setting]["validation"]', 'key=lambda setting: runs[setting]["test"]')],
        {"the validation set chooses"},
    ),
    "the best test is reported": (
        [('return best, runs[best]["test"]', 'return best, max(shares["test"] for shares in runs.values())')],
        {"the test of the chosen is reported"},
    ),
    "the validation share is reported": (
        [('return best, runs[best]["test"]', 'return best, runs[best]["validation"]')],
        {"the test of the chosen is reported"},
    ),
    "all seeds, in pairs or not": (
        [
            (
                "return float(gains.mean()),",
                "return float(np.mean(list(ours.values())) - np.mean(list(theirs.values()))),",
            )
        ],
        {"the mean is over seeds that both have"},
    ),
    "not in pairs": (
        """
def compare(ours, theirs):
    both = [seed for seed in ours if seed in theirs]
    a, b = (np.array([arm[seed] for seed in both]) for arm in (ours, theirs))
    return a.mean() - b.mean(), np.hypot(a.std(ddof=1), b.std(ddof=1)) / len(both) ** 0.5
""",
        {"the error is that of pairs"},
    ),
    "the deviation for the error": (
        [("float(gains.std(ddof=1) / len(gains) ** 0.5)", "float(gains.std(ddof=1))")],
        {"the error is that of pairs"},
    ),
}


OTHER_WAYS = {
    "a place for each state": """
def recur(x, W, U, b, f, start=None):
    states = np.zeros((len(x), len(b)))
    before = np.zeros(len(b)) if start is None else start
    for t in range(len(x)):
        states[t] = f(x[t] @ W.T + before @ U.T + b)
        before = states[t]
    return states
""",
    "the state is held where nothing is read": """
def read(x, real, W, U, b, f):
    h = np.zeros((len(x), len(b)))
    for t in range(x.shape[1]):
        h = np.where(real[:, t : t + 1], f(x[:, t] @ W.T + h @ U.T + b), h)
    return h
""",
    "SimpleRNN with a mask": """
def read(x, real, W, U, b, f):
    layer = keras.layers.SimpleRNN(len(b), dtype="float64")
    layer.build((None, None, x.shape[2]))
    layer.set_weights([W.T, U.T, b])
    return layer(x, mask=real)
""",
    "no words have the mean 0": """
def mean_state(states, real):
    weights = real.astype("float32")[:, :, None]
    return (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
""",
    "slopes beside U": """
def jacobians(states, U):
    found = [(1 - states[0] ** 2)[:, None] * U]
    for h in states[1:]:
        found.append((1 - h**2)[:, None] * (U @ found[-1]))
    return found
""",
    "singular values": """
def size(matrices):
    return [np.linalg.svd(matrix, compute_uv=False).max() for matrix in matrices]
""",
    "slices for gates": """
def lstm_step(x, h, c, kernel, recurrent, bias):
    u = len(h)
    a = kernel.T @ x + recurrent.T @ h + bias
    c = c / (1 + np.exp(-a[u : 2 * u])) + np.tanh(a[2 * u : 3 * u]) / (1 + np.exp(-a[:u]))
    return np.tanh(c) / (1 + np.exp(-a[3 * u :])), c
""",
    "counts of NumPy": """
def count_words(numbers, vocabulary):
    counts = np.array([np.bincount(row, minlength=vocabulary) for row in numbers])
    counts[:, 0] = 0
    return counts
""",
    "a sorted list of seeds": """
def compare(ours, theirs):
    seeds = sorted(set(ours) & set(theirs))
    gains = [ours[seed] - theirs[seed] for seed in seeds]
    mean = sum(gains) / len(gains)
    return mean, (sum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1) / len(gains)) ** 0.5
""",
}


def code_of(notebook):
    """Return the code of a notebook without its training."""
    return submissions.without(submissions.code_of(notebook), ".fit(", "model.predict(", "TARGETS.items()")


TestMarks = submissions.tests("03_recurrence", MISTAKES, code_of, ways=OTHER_WAYS)
