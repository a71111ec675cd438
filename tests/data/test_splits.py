"""Splits: no draw has moved since the recorded runs, classes keep their shares, and groups stay whole."""

import hashlib

import numpy as np
import pytest

from tlbook import data
from tlbook.data import digits, entities, folders, sentiment, splits
from tlbook.files import sources
from tlbook.inputs.tags import Sentence

HERE = sources.Source("made up", "bundled", "For a test.")
LABELS = np.arange(1000) ** 2 % 7
PRODUCTS = tuple(f"product {i * i % 23}" for i in range(600))


def pictures(labels):
    """Return pictures of one pixel that holds their position."""
    images = np.zeros((len(labels), 1, 1, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.divmod(np.arange(len(labels)), 256)
    return data.Split(images, labels)


def positions(part):
    return part.images[:, 0, 0, 0].astype(int) * 256 + part.images[:, 0, 0, 1]


def corpus(groups=()):
    return sentiment.Corpus(tuple(map(str, range(600))), np.arange(600) ** 2 % 3, ("no", "yes"), HERE, groups)


def cut(seed):
    parts = folders.cut(pictures(LABELS), "abcdefg", HERE, seed=seed)
    return [positions(part) for part in (parts.train, parts.validation, parts.test)]


def reviews(groups, sizes):
    return [list(map(int, part.texts)) for part in sentiment.split(corpus(groups), *sizes)]


def tagged(seed):
    documents = np.sort(np.arange(500) ** 2 % 41)
    sentences = [Sentence((str(i),), ("O",), int(document)) for i, document in enumerate(documents)]
    return [[int(s.tokens[0]) for s in part] for part in entities.split(sentences, 60, seed, validation=70)]


def spoken():
    i = np.arange(180)
    return digits.SpokenDigits([np.zeros(1, "float32")] * 180, i * 7 % 10, i // 10 % 2, i // 20, ["ann", "bob"], HERE)


def ranked(seed):
    recordings = spoken()
    return splits.ranks(recordings.speakers * 10 + recordings.labels, np.random.default_rng(seed).permutation)


# SHA-256 of the positions that the code of the recorded runs drew, taken before it became one module.
DRAWN = {
    "split_off": (
        lambda seed: [positions(part) for part in data.split_off(pictures(LABELS), 200, seed)],
        ["3cd9165df8fbb664", "11a5cb51a3754bcc", "102d0d7a5dea1f44"],
    ),
    "subset": (
        lambda seed: [positions(data.subset(pictures(LABELS), 50, seed))],
        ["eee1ee2cb76e1d19", "62cc5376f0ef4484", "c57b7abc0b80de54"],
    ),
    "folders.cut": (cut, ["ae76e12ab5107d99", "34f0526e5b43c249", "861e253dff164b1a"]),
    "sentiment.split by product": (
        lambda seed: reviews(PRODUCTS, [(150, 100), (80, 50), (200, 77)][seed]),
        ["c8731cd5557d6881", "74f4926217d54e67", "76331694720624a0"],
    ),
    "sentiment.split by text": (
        lambda seed: reviews((), [(150, 100), (80, 50), (200, 77)][seed]),
        ["b926146da5919b61", "235bff501f2b7bcd", "1e83d03f7e9f1512"],
    ),
    "sentiment.subset": (
        lambda seed: [list(map(int, sentiment.subset(corpus(), 50, seed).texts))],
        ["455054f2646760e2", "40e8d1d5e68f7e5f", "3d1725d38d0bcb3c"],
    ),
    "sentiment.subset, nearly all": (
        lambda seed: [list(map(int, sentiment.subset(corpus(), 599, seed).texts))],
        ["de8d7180874d761d", "1e1f52508795e0e0", "db09a77a59a59b9f"],
    ),
    "entities.split": (tagged, ["0b5e12076bfb209f", "e5fb5f6caa6d424a", "3914e51caf75a5a3"]),
    "digits.few_shots": (
        lambda seed: digits.few_shots(spoken(), 1, 3, seed),
        ["85c68fb6e748366a", "bedd3bc5fef85df8", "475d6ba83c2e444b"],
    ),
    "ranks of voice_encoder": (
        lambda seed: [ranked(seed)],
        ["dc8bc8c573b703fc", "5aee5451996127e5", "a54f888aec7acdb7"],
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_no_draw_has_moved_since_the_recorded_runs(name):
    draw, expected = DRAWN[name]
    for seed, digest in enumerate(expected):
        came = hashlib.sha256()
        for part in draw(seed):
            came.update(np.asarray(part, "<i8").tobytes() + b"|")
        assert came.hexdigest()[:16] == digest, f"seed {seed}"


def test_stratified_parts_hold_everything_once_and_each_class_in_its_share():
    labels = np.repeat([0, 1], [60, 40])
    rest, part = splits.stratified(labels, 20, seed=1)
    assert sorted([*rest, *part]) == list(range(100))
    assert np.bincount(labels[part]).tolist() == [12, 8]


@pytest.mark.parametrize("n", range(11))
def test_groups_stay_whole_and_are_no_more_than_needed(n):
    groups = np.array(list("bbaccccaab"))
    order = np.array([2, 0, 1])  # c has four, a and b have three each
    rest, part = splits.whole_groups(groups, n, lambda k: order)
    assert sorted([*rest, *part]) == list(range(10)) and rest.tolist() == sorted(rest)
    assert not set(groups[rest]) & set(groups[part])
    assert "".join(groups[part]) == "ccccaaabbb"[: 0 if n == 0 else 4 if n <= 4 else 7 if n <= 7 else 10]


def test_groups_that_hold_too_little_are_all_drawn():
    rest, part = splits.whole_groups(["a", "b"], 3, np.random.default_rng(0).permutation)
    assert rest.tolist() == [] and sorted(part) == [0, 1]


def test_ranks_count_within_each_group():
    groups = np.arange(90) % 4
    found = splits.ranks(groups, np.random.default_rng(0).permutation)
    for group in range(4):
        assert sorted(found[groups == group]) == list(range((groups == group).sum()))
    assert found.tolist() != splits.ranks(groups, np.random.default_rng(1).permutation).tolist()
