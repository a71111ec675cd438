"""Assignment 4: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

The mistakes are tried without the cells that train: what the checks try are the functions, on inputs of their own.
"""

import submissions

from course import assignment

TASK = assignment.find("04_fine_tuning")
TRAINS = ("body = build_body()\n", "SETTINGS = [", "each = 3 * (multiply_adds(body)")
# From a mistake to the function that holds it and the checks that it costs: all of one question.
MISTAKES = {
    "an element-wise metric": (
        """
def share_right(labels, scores):
    said = scores == scores.max(axis=1, keepdims=True)
    return float((said == np.eye(scores.shape[1], dtype=bool)[labels]).mean())
""",
        {"whole pictures are counted"},
    ),
    "only forward passes are counted": (
        """
def cost_of_trial(below, above, head, n_learn, n_judge, epochs, kept):
    keeping = 0 if kept else (n_learn + n_judge) * below
    return keeping + (sum(epochs) * n_learn + n_judge) * (above + head)
""",
        {"what learns costs three passes"},
    ),
    "the frozen part is paid in every epoch": (
        """
def cost_of_trial(below, above, head, n_learn, n_judge, epochs, kept):
    frozen = sum(epochs) * n_learn * below + (0 if kept else n_judge * below)
    learning = n_learn * (epochs[0] * (above + 3 * head) + epochs[1] * 3 * (above + head))
    return frozen + learning + n_judge * (above + head)
""",
        {"what is kept is paid once"},
    ),
    "judging is free": (
        """
def cost_of_trial(below, above, head, n_learn, n_judge, epochs, kept):
    learning = n_learn * (epochs[0] * (above + 3 * head) + epochs[1] * 3 * (above + head))
    return (0 if kept else n_learn * below) + learning
""",
        {"judging is paid"},
    ),
    "no compile after freezing": (
        """
def learn(model, frozen, inputs, labels, rate, epochs):
    for number, layer in enumerate(model.layers):
        layer.trainable = number >= frozen
    model.fit(inputs, labels, batch_size=BATCH, epochs=epochs, verbose=0)
""",
        # What was trained as a whole goes on as a whole: its normalisation moves as well, and what was frozen learns.
        {"frozen kernels stand still", "frozen normalisation stands still"},
    ),
    "normalisation is not frozen": (
        """
def learn(model, frozen, inputs, labels, rate, epochs):
    for number, layer in enumerate(model.layers):
        layer.trainable = number >= frozen or isinstance(layer, keras.layers.BatchNormalization)
    make_ready(model, rate, len(labels), epochs)
    model.fit(inputs, labels, batch_size=BATCH, epochs=epochs, verbose=0)
""",
        {"frozen normalisation stands still"},
    ),
    "nothing is thawed": (
        """
def learn(model, frozen, inputs, labels, rate, epochs):
    for layer in model.layers[:frozen]:
        layer.trainable = False
    make_ready(model, rate, len(labels), epochs)
    model.fit(inputs, labels, batch_size=BATCH, epochs=epochs, verbose=0)
""",
        {"all layers above learn"},
    ),
    "raw pictures are kept": (
        """
def keep(below, images, kept):
    key = features.identity(below), fingerprint(images)
    if key not in kept:
        kept[key] = features.forward(below, images)
    return kept[key]
""",
        {"prepared as in pretraining"},
    ),
    "its own statistics": (
        """
def keep(below, images, kept):
    key = features.identity(below), fingerprint(images)
    if key not in kept:
        own = (images - images.mean(axis=(0, 1, 2))) / (images.std(axis=(0, 1, 2)) + 1e-6)
        kept[key] = features.forward(below, own.astype("float32"))
    return kept[key]
""",
        # A picture then has other features alone than among others, whatever the network.
        {"prepared as in pretraining", "nothing random is kept"},
    ),
    "varied, then kept": (
        """
def keep(below, images, kept):
    key = features.identity(below), fingerprint(images)
    if key not in kept:
        kept[key] = np.array(below(prepare(images), training=True))
    return kept[key]
""",
        {"nothing random is kept"},
    ),
    "nothing is kept": (
        """
def keep(below, images, kept):
    return features.forward(below, prepare(images))
""",
        {"nothing is computed twice"},
    ),
    "a key that says nothing": (
        """
def keep(below, images, kept):
    if "features" not in kept:
        kept["features"] = features.forward(below, prepare(images))
    return kept["features"]
""",
        {"nothing is mistaken for another"},
    ),
    "a key of the pictures alone": (
        """
def keep(below, images, kept):
    key = fingerprint(images)
    if key not in kept:
        kept[key] = features.forward(below, prepare(images))
    return kept[key]
""",
        {"nothing is mistaken for another"},
    ),
    "a copy without its weights is joined": (
        """
def join(below, above):
    return keras.Model(below.input, keras.models.clone_model(above)(below.output))
""",
        {"joined it says what the parts said"},
    ),
    "a difference with a sign": (
        """
def gap(joined, below, above, prepared):
    parts = features.forward(above, features.forward(below, prepared))
    return float((features.forward(joined, prepared) - parts).mean())
""",
        {"the gap is measured"},
    ),
    "the head is drawn anew between the stages": (
        """
def probe_then_tune(above, inputs, labels, classes, rates, epochs):
    model = with_head(above, classes)
    learn(model, len(model.layers) - 1, inputs, labels, rates[0], epochs[0])
    model = with_head(above, classes)
    learn(model, 0, inputs, labels, rates[1], epochs[1])
    return model
""",
        {"tuning goes on from the fitted head"},
    ),
    "the body learns under a random head": (
        """
def probe_then_tune(above, inputs, labels, classes, rates, epochs):
    model = with_head(above, classes)
    learn(model, 0, inputs, labels, rates[0], epochs[0])
    learn(model, 0, inputs, labels, rates[1], epochs[1])
    return model
""",
        {"the body learns at the small rate only"},
    ),
    "only the head learns": (
        """
def probe_then_tune(above, inputs, labels, classes, rates, epochs):
    model = with_head(above, classes)
    learn(model, len(model.layers) - 1, inputs, labels, rates[0], epochs[0])
    learn(model, len(model.layers) - 1, inputs, labels, rates[1], epochs[1])
    return model
""",
        {"everything learns in the end"},
    ),
    "the test chooses": (
        """
def search(settings, price, try_one, budget):
    spent, shares = 0, {}
    for setting in settings:
        cost = price(setting)
        if spent + cost <= budget:
            spent += cost
            shares[setting] = try_one(setting)["test"]
    return max(shares, key=shares.get), spent
""",
        {"the validation set chooses"},
    ),
    "only the winner is paid": (
        """
def search(settings, price, try_one, budget):
    spent, shares, costs = 0, {}, {}
    for setting in settings:
        costs[setting] = price(setting)
        if spent + costs[setting] <= budget:
            spent += costs[setting]
            shares[setting] = try_one(setting)["validation"]
    best = max(shares, key=shares.get)
    return best, costs[best]
""",
        {"every trial is paid"},
    ),
    "the price is asked afterwards, when keeping is paid": (
        """
def search(settings, price, try_one, budget):
    spent, shares = 0, {}
    for setting in settings:
        if spent + price(setting) <= budget:
            shares[setting] = try_one(setting)["validation"]
            spent += price(setting)
    return max(shares, key=shares.get), spent
""",
        {"every trial is paid", "the budget is kept"},
    ),
    "the budget is looked at afterwards": (
        """
def search(settings, price, try_one, budget):
    spent, shares = 0, {}
    for setting in settings:
        if spent < budget:
            spent += price(setting)
            shares[setting] = try_one(setting)["validation"]
    return max(shares, key=shares.get), spent
""",
        {"the budget is kept"},
    ),
    "labels that choose are not counted": (
        """
def labels_used(trials):
    return len({int(k) for trial in trials for k in trial["learn"]})
""",
        {"labels that choose are counted"},
    ),
}


def functions(notebook):
    """Return the cells of a notebook that make functions and what they need, without those that train."""
    cells = submissions.code_of(notebook)
    visible = {cell.source for cell in TASK.cells("visible")}
    kept = [(name, source) for name, source in cells if source not in visible and not source.startswith(TRAINS)]
    assert len(kept) == len(cells) - len(visible) - len(TRAINS)
    return kept


SOME = ("no compile after freezing", "the head is drawn anew between the stages")
TestMarks = submissions.tests("04_fine_tuning", MISTAKES, functions, always=SOME)
