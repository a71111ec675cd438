"""Assignment 1: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

One process runs all of them, with few passes: what is tried here are the functions. The two accuracies ask for whole
training; their bands are left open here.
"""

import pytest
import submissions

from course import assignment, student

pytestmark = pytest.mark.slow
TASK = assignment.find("01_three_stages")
FEW = '{"pretraining": 1, "head": 2, "everything": 2, "scratch": 1}'
# From a mistake to the function that holds it and the checks that it costs.
MISTAKES = {
    "copies on both sides": (
        """
def split(images, labels, n_validation, seed):
    positions = np.random.default_rng(seed).permutation(len(images))
    n = n_validation // len(np.unique(labels))
    of_class = [positions[labels[positions] == label] for label in np.unique(labels)]
    return np.concatenate([p[n:] for p in of_class]), np.concatenate([p[:n] for p in of_class])
""",
        {"no picture in both sets"},
    ),
    "its own statistics": (
        """
def prepare(images, mean, deviation):
    return ((images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))).astype("float32")
""",
        {"prepared with the statistics handed over"},
    ),
    "an element-wise metric": (
        """
def share_right(labels, scores):
    wanted = np.eye(scores.shape[1])[labels]
    return float(((scores == scores.max(axis=1, keepdims=True)) == wanted).mean())
""",
        {"whole pictures are counted"},
    ),
    "nothing frozen": (
        """
def train_head(body, images, labels, classes, epochs):
    model = with_head(body, classes)
    make_ready(model, 2e-2, len(labels), epochs)
    model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return model
""",
        {"the body stays frozen"},
    ),
    "no compile after unfreezing": (
        """
def fine_tune(model, body, images, labels, epochs):
    body.trainable = True
    model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
""",
        {"every layer learns"},
    ),
    "the test chooses": (
        """
def choose(shares):
    return max(shares, key=lambda name: shares[name]["test"])
""",
        {"the validation set chooses"},
    ),
    "labels that choose are not counted": (
        """
def labels_used(n_learn, n_choose, n_test):
    return n_learn
""",
        {"labels that choose are counted"},
    ),
    "raw pixels in the application": (
        """
def answer(model, images, mean, deviation, class_names):
    return np.array(class_names)[scores(model, images.astype("float32")).argmax(axis=1)]
""",
        {"new pictures are prepared as in pretraining"},
    ),
}


@pytest.fixture(scope="module")
def inputs():
    return TASK.probe()


def code_of(notebook):
    """Return the code of a notebook, with few passes."""
    return submissions.code_of(notebook, [(r"PASSES = 64, \{.*\}", f"PASSES = 64, {FEW}")])


def lost(cells, inputs):
    """Return the names of the checks that fail."""
    return set(submissions.lost(TASK, cells, inputs))


def test_the_solution_gets_all_marks(inputs, drawn_pictures):
    assert lost(code_of(student.solution(TASK)), inputs) == set()


def test_the_solution_gets_all_marks_in_a_cell_with_its_bands(tmp_path, drawn_pictures):
    """The whole way of a submission, with all passes and the recorded bands: about 40 CPU seconds."""
    submissions.has_full_marks(TASK, submissions.graded_in_a_cell(TASK, tmp_path))


def test_an_untouched_version_gets_none(inputs, drawn_pictures):
    assert lost(code_of(student.version(TASK)), inputs) == submissions.names(TASK)


@pytest.mark.parametrize("mistake", submissions.tried(MISTAKES, ("nothing frozen", "the test chooses")))
def test_a_mistake_costs_its_own_marks(mistake, inputs, drawn_pictures):
    function, costs = MISTAKES[mistake]
    cells = submissions.with_mistake(code_of(student.solution(TASK)), function)
    assert lost(cells, inputs) == costs
