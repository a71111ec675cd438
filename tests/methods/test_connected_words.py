"""Words in a row without a network: cuts at pauses, and templates, on tones that are easy to tell apart."""

import numpy as np
import pytest

from tlbook.methods import connected_words

BANDS = 40


def said(words, gap=8, length=16, seed=0):
    """A spectrogram in which each word is a band of its own, with quiet noise around it."""
    rng = np.random.default_rng(seed)
    parts = [rng.uniform(-58, -50, (gap, BANDS))]
    for word in words:
        part = rng.uniform(-50, -42, (length + int(rng.integers(5)), BANDS))
        part[:, 8 * word : 8 * word + 6] = rng.uniform(-6, 0, (len(part), 6))
        parts += [part, rng.uniform(-58, -50, (gap, BANDS))]
    return np.concatenate(parts).astype("float32")


def test_loudness_is_relative_to_the_loudest_frame():
    loud = connected_words.loudness(said([1]))
    assert loud.max() == 0 and loud[0] < -30


def test_pieces_are_what_stands_between_pauses():
    picture = said([1, 2, 3])
    spans = connected_words.pieces(picture, -20)
    assert spans.shape == (3, 2)
    assert abs(spans[0, 0] - 8) <= 1 and (spans[1:, 0] > spans[:-1, 1]).all()
    assert len(connected_words.pieces(said([1, 2, 3], gap=1), -20)) == 1, "a pause of 16 ms cuts nothing"
    assert len(connected_words.pieces(said([1], length=1)[:12], -20)) == 0, "a click is no word"


def test_the_known_number_of_pieces_is_found_or_made():
    spans = connected_words.pieces_of_known_number(said([0, 1, 2, 3]), 4)
    assert np.array_equal(spans, connected_words.pieces(said([0, 1, 2, 3]), -40))
    halves = connected_words.pieces_of_known_number(said([2], length=30), 2)
    assert halves.shape == (2, 2) and halves[0, 1] == halves[1, 0]
    with pytest.raises(ValueError, match="count: got 0"):
        connected_words.pieces_of_known_number(said([1]), 0)


def test_a_piece_is_filled_with_silence():
    picture = said([1])
    found = connected_words.cut(picture, [(8, 20), (0, 24)], frames=16)
    assert found.shape == (2, 16, BANDS) and (found[0, 12:] == -60).all() and found[0].max() == 0


@pytest.mark.parametrize("gap", [8, 3])
def test_templates_find_words_in_a_row(gap):
    known = connected_words.templates([said([0, 1, 2]), said([3, 4], seed=1)], [(0, 1, 2), (3, 4)])
    assert known.words.tolist() == [0, 1, 2, 3, 4]
    words = (4, 1, 1, 3, 0, 2) if gap == 8 else (4, 1, 3, 0, 2)
    picture = np.concatenate([said([], seed=3), said(words, gap=gap, seed=2), said([], seed=4)])
    assert known.recognise(picture, penalty=4.0) == words


def test_words_that_cost_much_are_not_said():
    known = connected_words.templates([said([0, 1, 2])], [(0, 1, 2)])
    lengths = [len(known.recognise(said([2, 1, 0], seed=5), penalty)) for penalty in (0.0, 4.0, 1e4)]
    assert lengths[0] >= lengths[1] == 3 and lengths[2] <= 1


def test_templates_want_a_string_for_each_picture():
    with pytest.raises(ValueError, match="strings: got 2 for 1 spectrograms"):
        connected_words.templates([said([1])], [(1,), (2,)])


def test_one_pass_is_the_best_of_all_sequences():
    """Against the definition: the cheapest way through every sequence of up to two words, silence anywhere."""
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(7, 13))
    known = connected_words.Templates(steps, np.array([0, 3]), np.array([2, 6]), np.array([5, 6]), 3 * np.ones(13))
    picture = rng.uniform(-40, 0, (24, BANDS)).astype("float32")
    heard = connected_words.cepstra(picture)
    quiet = np.linalg.norm(heard - known.silence, axis=1)
    nearest = np.linalg.norm(heard[:, None] - steps, axis=2).min(axis=1)
    price = 0.5 * np.median(np.minimum(nearest, quiet))

    def cheapest(sequence):
        """Dynamic programming over the states of one sequence, written out."""
        states, firsts = [("quiet", None)], []
        for word in sequence:
            begin, end = {5: (0, 2), 6: (3, 6)}[word]
            firsts.append(len(states))
            states += [("step", k) for k in range(begin, end + 1)] + [("quiet", None)]
        cost = np.full(len(states), np.inf)
        cost[0] = 0.0
        started = False
        for frame, q in zip(heard, quiet, strict=True):
            new = np.full(len(states), np.inf)
            for s, (kind, k) in enumerate(states):
                here = q if kind == "quiet" else np.linalg.norm(frame - steps[k])
                ways = [cost[s]] if (started or s == 0) else []
                if s and s not in firsts and kind == "step":
                    ways.append(cost[s - 1])
                    if s - 1 not in firsts:
                        ways.append(cost[s - 2])
                elif s in firsts:
                    ways.append(cost[s - 1] + price)  # out of silence
                    if s > 1:
                        ways.append(cost[s - 2] + price)  # or straight out of the word before
                elif s:
                    ways.append(cost[s - 1])
                new[s] = min(ways, default=np.inf) + here
            cost, started = new, True
        return min(cost[-1], cost[-2] if len(cost) > 1 else np.inf)

    sequences = [(), (5,), (6,), (5, 5), (5, 6), (6, 5), (6, 6)]
    sequences += [(*pair, last) for pair in sequences[3:] for last in (5, 6)]
    best = min(sequences, key=cheapest)
    assert known.recognise(picture, penalty=0.5) == best
