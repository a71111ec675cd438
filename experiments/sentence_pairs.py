"""The arm of `label_sentences` that tunes MiniLM on pairs of the labelled sentences, as SetFit does it.

Tunstall and others (2022). The tuning brings sentences of one class together; a head reads what has become of them.
"""

import functools

import keras
import numpy as np

from experiments.protocol import Fitted
from tlbook.backbones import minilm
from tlbook.methods import adapters, zero_shot

PIECES = 40  # of a sentence, at most: nine in ten have no more
TUNED_PIECES = 32  # of a sentence that trains: one length, so that Keras builds its step once
STEPS = 15


@functools.cache
def machine():
    """Return MiniLM as one model that maps sentences to vectors, compiled for pairs, its tokenizer, its weights."""
    encoder, _ = minilm.pretrained()
    body = adapters.sentence_body(encoder)
    body.trainable = True
    encoder.network.get_layer("word").trainable = False
    body.compile(keras.optimizers.Adam(1e-5), zero_shot.pairs_loss)
    return body, encoder.tokenizer, body.get_weights()


def see(body, ids, mask):
    """Return the vectors of pieces, (n, width)."""
    parts = [body([ids[k : k + 32], mask[k : k + 32]], training=False) for k in range(0, len(ids), 32)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])


def pairs(task, arm, seed):
    """Tune MiniLM on pairs; the rate is the one that serves one half of the labels after learning from the other."""
    body, tokenizer, start = machine()
    ids, mask = minilm.tokenize(tokenizer, task.train.texts, TUNED_PIECES)
    ids, mask = (np.pad(each, ((0, 0), (0, TUNED_PIECES - ids.shape[1]))) for each in (ids, mask))
    labels = task.train.labels

    def tune(positions, rate):
        body.set_weights(start)
        for variable in body.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        keras.utils.set_random_seed(seed)
        zero_shot.tune_on_pairs(body, [ids[positions], mask[positions]], labels[positions], rate, STEPS, seed)
        return zero_shot.head(see(body, ids[positions], mask[positions]), labels[positions])

    learn = np.concatenate([np.flatnonzero(labels == label)[::2] for label in (0, 1)])
    choose = np.setdiff1d(np.arange(len(labels)), learn)
    right = {}
    for rate in sorted(arm.grid):
        found = tune(learn, rate)
        right[rate] = found.score(see(body, ids[choose], mask[choose]), labels[choose])
    rate = max(right, key=right.get)  # at a tie the lower one
    fitted = tune(np.arange(len(labels)), rate)

    def predict(texts):
        order = np.argsort([len(sentence) for sentence in texts], kind="stable")
        found = np.empty(len(texts), int)
        for k in range(0, len(texts), 32):  # of like length, so that few fillers are computed
            part = order[k : k + 32]
            found[part] = fitted.predict(see(body, *minilm.tokenize(tokenizer, [texts[i] for i in part], PIECES)))
        return found

    return Fitted(predict=predict, validation=right[rate], chosen=rate)
