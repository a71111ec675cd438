"""Assignment 3: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

The checks try functions alone, so no network is trained here, but for the one run in a cell.
"""

import pytest
import submissions

from course import assignment, student

pytestmark = pytest.mark.slow
TASK = assignment.find("03_recurrence")
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


def code_of(notebook):
    """Return the code of a notebook without its training."""
    return submissions.without(submissions.code_of(notebook), ".fit(", "model.predict(")


@pytest.fixture(scope="module")
def inputs():
    return TASK.probe()


def test_the_solution_gets_all_marks_in_a_cell(tmp_path, drawn_pictures):
    """The whole way of a submission, with its training."""
    submissions.has_full_marks(TASK, submissions.graded_in_a_cell(TASK, tmp_path))


def test_the_solution_gets_all_marks(inputs):
    assert submissions.lost(TASK, code_of(student.solution(TASK)), inputs) == {}


def test_an_untouched_version_gets_none(inputs):
    assert set(submissions.lost(TASK, code_of(student.version(TASK)), inputs)) == submissions.names(TASK)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_costs_its_own_marks(mistake, inputs):
    wrong, costs = MISTAKES[mistake]
    cells = submissions.with_mistake(code_of(student.solution(TASK)), wrong)
    assert set(submissions.lost(TASK, cells, inputs)) == costs


def test_there_are_twenty_marks_and_no_accuracy_is_judged():
    assert TASK.marks == 20 and not TASK.needs_bands
