"""Assignment 1: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

One process runs all of them, with few passes: what is tried here are the functions. The two accuracies ask for whole
training; their bands are left open here.
"""

import submissions

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


def code_of(notebook):
    """Return the code of a notebook, with few passes."""
    return submissions.code_of(notebook, [(r"PASSES = 64, \{.*\}", f"PASSES = 64, {FEW}")])


TestMarks = submissions.tests(
    "01_three_stages",
    MISTAKES,
    code_of,
    solved=code_of,
    always=("nothing frozen", "the test chooses"),
    in_a_cell=True,  # one is enough to try the way itself
    untried=(
        "equally many of each class",
        "statistics of each channel",
        "a head for the new classes",
        "the source was learned",
        "the application works",
    ),
)
