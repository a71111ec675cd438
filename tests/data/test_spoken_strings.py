"""Strings of digits: which recordings they hold, where, and how far apart."""

import numpy as np
import pytest

from tlbook.data import digits, spoken_strings
from tlbook.files import sources
from tlbook.inputs import sound

HERE = sources.Source("tones", "bundled", "Made by a test.")


def recordings(takes=3, speakers=2):
    """Every recording has a length of its own, 50 ms and more, and is a tone."""
    keys = [(digit, speaker, take) for digit in range(10) for speaker in range(speakers) for take in range(takes)]
    labels, who, numbers = np.array(keys).T
    waveforms = [np.sin(np.arange(400 + i)).astype("float32") for i in range(len(keys))]
    return digits.SpokenDigits(waveforms, labels, who, numbers, ["ann", "bob"][:speakers], HERE)


RECORDINGS = recordings()
ALL = np.arange(len(RECORDINGS))


def which(strings):
    """Return the recordings of each string, told by their lengths."""
    return [np.round(np.diff(spans)[:, 0] * sound.DIGITS.rate).astype(int) - 400 for spans in strings.spans]


def test_strings_say_their_labels_with_one_speaker_each():
    strings = spoken_strings.join(RECORDINGS, ALL, 8, seed=0)
    assert len(strings) == 8 and sorted(map(len, strings.labels)) == sorted(2 * spoken_strings.LENGTHS)
    for labels, used in zip(strings.labels, which(strings), strict=True):
        assert labels == tuple(RECORDINGS.labels[used])
        assert len(set(RECORDINGS.speakers[used])) == 1


def test_no_recording_comes_twice_before_all_were_used():
    mine = ALL[RECORDINGS.speakers == 0]
    used = np.concatenate(which(spoken_strings.join(RECORDINGS, mine, 8, seed=1)))
    assert len(used) == 36 and len(set(used[: len(mine)])) == len(mine) == 30


def test_fewer_strings_are_the_first_of_more():
    few, many = (spoken_strings.join(RECORDINGS, ALL, n, seed=3) for n in (4, 12))
    assert few.labels == many.labels[:4] == many.first(4).labels
    assert all(np.array_equal(a, b) for a, b in zip(few.waveforms, many.waveforms, strict=False))
    assert spoken_strings.join(RECORDINGS, ALL, 12, seed=4).labels != many.labels


def test_gaps_are_as_stated_and_take_turns():
    strings = spoken_strings.join(RECORDINGS, ALL, 16, seed=0)
    for spans, kind in zip(strings.spans, strings.gaps, strict=True):
        between = spans[1:, 0] - spans[:-1, 1]
        low, high = spoken_strings.GAPS[kind]
        if kind == "pauses":  # two tones that overlap more than they last begin at the same time
            assert (between >= low - 1e-3).all() and (between <= high + 1e-3).all()
        else:
            assert (between <= 1e-3).all()
    assert (strings.gaps == "pauses").sum() == 8
    speakers = [RECORDINGS.speakers[used[0]] for used in which(strings)]
    assert len({*zip(speakers, strings.gaps.tolist(), strict=True)}) == 4, "each speaker has both kinds"


def test_sound_is_where_the_spans_say_and_no_pause_is_silent():
    strings = spoken_strings.join(RECORDINGS, ALL, 1, seed=0, gaps=["pauses"])
    waveform, spans = strings.waveforms[0], (strings.spans[0] * sound.DIGITS.rate).round().astype(int)
    pause = waveform[spans[0, 1] : spans[1, 0]]
    digit = waveform[spans[0, 0] : spans[0, 1]]
    assert 0 < np.std(pause) < 0.02 * np.std(digit)
    assert waveform.dtype == np.float32
    assert 0.1 <= strings.spans[0][0, 0] <= 0.3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": []}, "positions, n: got 0 and 4"),
        ({"n": 0}, "positions, n"),
        ({"gaps": ["breath"]}, "gaps: got .*breath"),
        ({"gaps": []}, "gaps"),
        ({"lengths": [0]}, "lengths: got"),
    ],
)
def test_what_cannot_be_joined_is_refused(change, message):
    arguments = {"positions": ALL, "n": 4, "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        spoken_strings.join(RECORDINGS, **arguments)


def test_no_more_strings_than_there_are():
    strings = spoken_strings.join(RECORDINGS, ALL, 4, seed=0)
    with pytest.raises(ValueError, match="n: got 5, expected 1..4"):
        strings.first(5)
