"""Strings of spoken digits: recordings of one speaker, joined with pauses between them or running together."""

from dataclasses import dataclass

import numpy as np

from tlbook.inputs import sound

GAPS = {"pauses": (0.1, 0.3), "together": (-0.08, 0.0)}  # seconds between two digits; below zero they overlap
LENGTHS = (3, 4, 5, 6)  # digits of a string: equally many strings of each
EDGE = 0.1  # seconds before the first digit and behind the last, at least
NOISE = -40.0  # decibels below the loudness of the digits: no pause is silent


@dataclass(frozen=True, eq=False)
class SpokenStrings:
    """Strings of digits, and where in each of them a digit was put.

    `waveforms` is a tuple of float32 (samples,) at 8,000 samples a second, `labels` a tuple of tuples of int 0..9,
    `spans` a tuple of float64 (digits, 2): begin and end of each digit in seconds. `gaps` (n,) names the key of `GAPS`
    that each string was joined with. Taught in chapter 5.14.
    """

    waveforms: tuple[np.ndarray, ...]
    labels: tuple[tuple[int, ...], ...]
    spans: tuple[np.ndarray, ...]
    gaps: np.ndarray

    def __len__(self):
        """Return the number of strings."""
        return len(self.labels)

    def first(self, n):
        """Return the first `n` strings. Raises `ValueError` for fewer than one, or more than there are."""
        if not 1 <= n <= len(self):
            raise ValueError(f"n: got {n}, expected 1..{len(self)}")
        return SpokenStrings(self.waveforms[:n], self.labels[:n], self.spans[:n], self.gaps[:n])


def join(recordings, positions, n, seed, gaps=("pauses", "together"), lengths=LENGTHS):
    """Join recordings to `n` strings of digits: `SpokenStrings`.

    Parameters
    ----------
    recordings : tlbook.data.digits.SpokenDigits
        What is joined.
    positions : numpy.ndarray
        Which of them, integers (k,). Each string takes recordings of one speaker. No recording comes twice before all
        of this speaker were used.
    n, seed : int
        The strings of a smaller `n` are the first ones of a larger one.
    gaps : sequence of str
        Keys of `GAPS`, which the strings take in turn. A string draws each of its gaps anew, evenly between the limits.
    lengths : sequence of int
        How many digits a string has; each block of so many strings has all of them, in random order.

    White noise, 40 dB below the digits, lies under the whole string, and 0.1 to 0.3 s of it at both ends. Joined digits
    are no continuous speech: nobody said them in one breath, and no sound bends towards its neighbour.
    Raises `ValueError` for no positions, fewer than one string, an unknown gap, or lengths below one.
    Taught in chapter 5.14.
    """
    positions = np.asarray(positions)
    if not len(positions) or n < 1:
        raise ValueError(f"positions, n: got {len(positions)} and {n}, expected one or more of each")
    if not len(gaps) or set(gaps) - set(GAPS):
        raise ValueError(f"gaps: got {list(gaps)}, expected one or more of {', '.join(GAPS)}")
    if not len(lengths) or min(lengths) < 1:
        raise ValueError(f"lengths: got {list(lengths)}, expected one or more numbers of 1 or more")
    rng = np.random.default_rng(seed)
    speakers = np.unique(recordings.speakers[positions])
    decks = {speaker: [] for speaker in speakers}
    made = []
    for number in range(n):
        if number % len(lengths) == 0:
            planned = rng.permutation(lengths)
        deck = decks[speaker := speakers[number % len(speakers)]]
        # Shifted by one from block to block: otherwise, of two speakers each would have a kind of gap of its own.
        kind = gaps[(number // len(lengths) + number) % len(gaps)]
        chosen = []
        while len(chosen) < planned[number % len(lengths)]:
            if not deck:
                deck.extend(rng.permutation(positions[recordings.speakers[positions] == speaker]))
            chosen.append(deck.pop())
        waveform, spans = _joined([recordings.waveforms[i] for i in chosen], GAPS[kind], rng)
        made.append((waveform, tuple(recordings.labels[chosen].tolist()), spans, kind))
    waveforms, labels, spans, kinds = zip(*made, strict=True)
    return SpokenStrings(waveforms, labels, spans, np.array(kinds))


def _joined(waveforms, limits, rng):
    """Return one waveform and where its parts begin and end, in seconds."""
    lengths = np.array([len(waveform) for waveform in waveforms])
    before = np.round(rng.uniform(*limits, len(waveforms)) * sound.DIGITS.rate).astype(int)
    edges = np.round(rng.uniform(EDGE, 3 * EDGE, 2) * sound.DIGITS.rate).astype(int)
    before[0] = edges[0]
    ends = np.cumsum(before + lengths)
    starts = np.maximum(ends - lengths, 0)
    joined = np.zeros(ends.max() + edges[1], "float32")
    for start, waveform in zip(starts, waveforms, strict=True):
        joined[start : start + len(waveform)] += waveform
    loudness = np.sqrt(np.mean(np.concatenate(waveforms) ** 2))
    joined += (loudness * 10 ** (NOISE / 20) * rng.normal(size=len(joined))).astype("float32")
    return joined, np.stack([starts, starts + lengths], axis=1) / sound.DIGITS.rate
