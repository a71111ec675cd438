"""A tagger: a body that reads a sentence both ways and gives every word a vector, and a head that decides on its tag.

The body can be pretrained on one set of entity types and given a new head for another. Taught in chapter 5.6.
"""

import contextlib
import logging

import keras
import numpy as np

from tlbook import evaluation, heads, training
from tlbook.inputs import tokens


@contextlib.contextmanager
def _errors_only():
    """TensorFlow warns of functions that are compiled again and again; here each belongs to a new network."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class SequenceBatches(keras.utils.PyDataset):
    """Shuffled batches of sentences of like length; in each epoch other words are taken for unknown.

    Parameters
    ----------
    sentences, vocabulary, tag_names
        As in `tlbook.inputs.tokens.encode`.
    batch_size, seed : int
    forget : float
        Share of the words that become the unknown word. Most names in new text are unknown: the network must learn to
        go by the words around them.

    Yields (inputs, tags) as `tlbook.inputs.tokens.encode` returns them, padded to the longest of the batch. Taught in
    chapter 5.6.
    """

    def __init__(self, sentences, vocabulary, tag_names, batch_size=32, seed=0, forget=0.2):
        """Encode every sentence once."""
        super().__init__()
        self.vocabulary, self.tag_names = vocabulary, tag_names
        self.inputs, self.tags = tokens.encode(sentences, vocabulary, tag_names)
        self.lengths = np.array([len(sentence) for sentence in sentences])
        self.batch_size, self.forget, self.rng = batch_size, forget, np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self):
        """Draw the next epoch's batches: like lengths stand together, so that little is padding."""
        order = np.argsort(self.lengths + self.rng.uniform(0, 4, size=len(self.lengths)))
        starts = range(0, len(order), self.batch_size)
        self.batches = [order[start : start + self.batch_size] for start in starts]
        self.rng.shuffle(self.batches)

    def __len__(self):
        """Return the number of batches."""
        return -(-len(self.lengths) // self.batch_size)

    def __getitem__(self, index):
        """Return batch `index` of this epoch."""
        chosen = self.batches[index]
        length = self.lengths[chosen].max()
        inputs = {name: array[chosen, :length] for name, array in self.inputs.items()}
        forgotten = (self.rng.random(inputs["words"].shape) < self.forget) & (inputs["words"] != tokens.PADDING)
        inputs["words"] = np.where(forgotten, tokens.UNKNOWN, inputs["words"]).astype("int32")
        return inputs, self.tags[chosen, :length]


def with_head(body, classes, dropout=0.3):
    """Return the body with a new head: a score for every tag at every word, (n, length, classes), without softmax."""
    x = keras.layers.Dropout(dropout)(body.output)
    return keras.Model(body.input, keras.layers.Dense(classes, name="logits")(x), name="tagger")


def masked_loss(tags, logits):
    """Return the mean cross-entropy over the words, padding left out: a scalar."""
    there = keras.ops.cast(tags != tokens.NO_TAG, logits.dtype)
    each = keras.ops.sparse_categorical_crossentropy(keras.ops.maximum(tags, 0), logits, from_logits=True)
    return keras.ops.sum(each * there) / keras.ops.sum(there)


@_errors_only()
def outputs(model, sentences, vocabulary, batch_size=64):
    """Return what a body or tagger gives for every word: a list of float32 arrays (words, ...), one a sentence."""
    order = np.argsort([len(sentence) for sentence in sentences])
    found = [None] * len(sentences)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        inputs, _ = tokens.encode([sentences[i] for i in chosen], vocabulary)
        for i, row in zip(chosen, model.predict_on_batch(inputs), strict=True):
            found[i] = row[: len(sentences[i])]
    return found


def tag(model, sentences, vocabulary, tag_names):
    """Return the most probable tag of every word: a list of tuples of str, one a sentence."""
    return [tuple(tag_names[k] for k in row.argmax(-1)) for row in outputs(model, sentences, vocabulary)]


@_errors_only()
def fit(model, batches, validation, epochs, learning_rate):
    """Train a tagger and leave it as it was at its best, the start included, by entity F1 on validation sentences.

    Parameters
    ----------
    model : keras.Model
        Its `trainable` flags say what learns.
    batches : SequenceBatches
        What it learns from.
    validation : sequence of tlbook.inputs.tags.Sentence
        What it is measured on before the first epoch and after each.
    epochs : int
        Passes over `batches`.
    learning_rate : float
        The peak of `tlbook.training.warmup_cosine`, for Adam.

    Returns
    -------
    dict of str to list of float
        loss, one number an epoch; val_accuracy (share of the words with the right tag) and val_f1 (tags), those of
        the start first.

    Raises `FloatingPointError` where the loss is no longer a finite number. Taught in chapter 5.6.
    """
    true, best = [sentence.tags for sentence in validation], []
    history = {"val_accuracy": [], "val_f1": []}

    def measure(*_):
        predicted = tag(model, validation, batches.vocabulary, batches.tag_names)
        history["val_accuracy"].append(evaluation.token_accuracy(true, predicted))
        history["val_f1"].append(float(np.nan_to_num(evaluation.entity_f1(true, predicted))))
        if history["val_f1"][-1] == max(history["val_f1"]):
            best[:] = model.get_weights()

    schedule = training.warmup_cosine(learning_rate, epochs * len(batches))
    # With jit_compile every new length of sentence would be compiled anew.
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), loss=masked_loss, jit_compile=False)
    measure()
    losses = training.run(model, batches, epochs, measure)["loss"]
    model.set_weights(best)
    return {"loss": losses} | history


def fit_head(model, body, train, validation, vocabulary, tag_names, C=(0.001, 0.01, 0.1, 1.0)):
    """Fit the head alone, as a logistic regression on the features of the frozen body: a `tlbook.heads.Probe`.

    Entity F1 on the validation sentences chooses among the `C` and is the probe's `validation_score`. The
    standardisation goes into the weights of the head. A tag that no training sentence has gets a score that never
    wins. Raises `ValueError` for no C, for tags that are not among `tag_names`, and where training sentences have one
    tag only. Source: Kumar et al. (2022). Taught in chapter 5.6.
    """
    found = sorted({tag for sentence in train for tag in sentence.tags})
    if set(found) - set(tag_names):
        raise ValueError(f"train: got the tags {found}, expected only {list(tag_names)}")
    if len(found) < 2:
        raise ValueError(f"train: got only the tag {found[0]!r}, expected two or more")
    features = [np.concatenate(outputs(body, part, vocabulary)) for part in (train, validation)]
    labels = np.array([tag_names.index(tag) for sentence in train for tag in sentence.tags])
    true, ends = [s.tags for s in validation], np.cumsum([len(s) for s in validation])[:-1]

    def f1(probe, words, true):
        kernel, bias = _head_weights(probe.pipeline, len(tag_names))
        rows = np.split((words @ kernel + bias).argmax(1), ends)
        return evaluation.entity_f1(true, [[tag_names[k] for k in row] for row in rows])

    probe = heads.best_probe((features[0], labels), (features[1], true), C, score=f1)
    model.get_layer("logits").set_weights(_head_weights(probe.pipeline, len(tag_names)))
    return probe


def _head_weights(pipeline, classes):
    """Return kernel (features, classes) and bias (classes,) of a fitted pipeline, also where classes are missing."""
    scaler, regression = pipeline[-2], pipeline[-1]
    weights, offsets = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # scikit-learn keeps one score for two classes
        weights, offsets = np.concatenate([0 * weights, weights]), np.concatenate([0 * offsets, offsets])
    kernel, bias = np.zeros((weights.shape[1], classes)), np.full(classes, -1e4)
    kernel[:, regression.classes_] = weights.T / scaler.scale_[:, None]
    bias[regression.classes_] = offsets - scaler.mean_ @ kernel[:, regression.classes_]
    return kernel, bias
