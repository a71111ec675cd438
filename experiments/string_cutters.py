"""Ways of `digit_strings` that cut a string at its pauses and read piece by piece, and one that matches templates.

Each takes (pretrained, (pictures, strings), setting, seed) and returns `predict` and the multiply-adds of its training
in 10^12, none here.
"""

import functools

import numpy as np

from experiments import spoken_digits
from tlbook import features, heads, training
from tlbook.methods import connected_words, ctc

COPIES = 2  # of each piece, masked


def cut_and_classify(train, setting, extract):
    """Cut at the pauses, then classify each piece by a logistic regression on what `extract` says of it."""
    strength, threshold = setting
    rng = np.random.default_rng(0)
    spans = [connected_words.pieces_of_known_number(p, len(s)) for p, s in zip(*train, strict=True)]
    parts = np.concatenate([connected_words.cut(p, s) for p, s in zip(train[0], spans, strict=True)])
    labels = np.concatenate([np.array(string) for string in train[1]])
    copies = [parts, *(ctc.masked(parts, rng) for _ in range(COPIES))]
    probe = heads.linear_probe(extract(np.concatenate(copies)), np.tile(labels, len(copies)), strength)
    return functools.partial(read_pieces, lambda found: probe.predict(extract(found)), threshold), 0.0


def read_pieces(classify, threshold, inputs):
    """Return the string that the pieces of each spectrogram say; one without a piece says nothing."""
    spans = [connected_words.pieces(picture, threshold) for picture in inputs]
    cut = [connected_words.cut(picture, span) for picture, span in zip(inputs, spans, strict=True)]
    said = iter(classify(np.concatenate(cut)) if sum(map(len, spans)) else ())
    return [tuple(int(next(said)) for _ in span) for span in spans]


def cut_regression(pretrained, train, setting, seed):
    """Classify the pieces by their spectrograms."""
    return cut_and_classify(train, setting, lambda parts: parts)


def cut_probe(pretrained, train, setting, seed):
    """Classify the pieces by the features of the classifier of single digits."""
    return cut_and_classify(train, setting, functools.partial(features.forward, spoken_digits.body(pretrained[0])))


def cut_network(pretrained, train, setting, seed):
    """Classify the pieces with the classifier of single digits, as it is."""
    return functools.partial(read_pieces, functools.partial(training.predict, pretrained[0]), setting), 0.0


def templates(pretrained, train, setting, seed):
    """Match templates, cut from the strings, one after the other: dynamic programming, no network."""
    known = connected_words.templates(*train)
    return lambda inputs: [known.recognise(picture, setting) for picture in inputs], 0.0
