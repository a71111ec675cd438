"""Words in a row without a network: cut at the pauses, or match templates of words one after the other.

What people did before networks learned to read strings; the controls of chapter 5.14.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from tlbook.inputs import sound

SILENT = -60.0  # decibels, of what fills a piece up
SHORTEST, GAP = 5, 3  # frames: of a word (80 ms), and of a pause that cuts (48 ms)
CEPSTRA = 13
# The first number is loudness and says little about the word; the later ones are small and say much.
WEIGHTS = np.concatenate([[0.3], 1 + 5.5 * np.sin(np.pi * np.arange(1, CEPSTRA) / 22)])
STRIDE = 2  # frames of a step of the templates: 32 ms


def loudness(picture):
    """Return how loud each frame of a log-mel spectrogram (frames, bands) is: decibels below its loudest, smoothed.

    Taught in chapter 5.14.
    """
    power = np.sum(10 ** (np.asarray(picture, "float64") / 10), axis=1)
    smooth = ndimage.uniform_filter1d(power, 3)
    return 10 * np.log10(smooth / smooth.max())


def pieces(picture, threshold):
    """Cut a log-mel spectrogram at its pauses: int64 (pieces, 2), first frame and the one behind the last.

    A pause is where the frames are quieter than `threshold` (decibels below the loudest) for 48 ms or more. What is
    shorter than 80 ms is no word. Taught in chapter 5.14.
    """
    loud = loudness(picture) > threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    found = []
    for start, end in edges.reshape(-1, 2):
        if found and start - found[-1][1] < GAP:
            found[-1][1] = end
        else:
            found.append([start, end])
    found = [piece for piece in found if piece[1] - piece[0] >= SHORTEST]
    return np.array(found, np.int64).reshape(-1, 2)


def pieces_of_known_number(picture, count, thresholds=tuple(range(-40, -4))):
    """Cut a spectrogram into `count` pieces: those of the lowest threshold that gives as many, int64 (count, 2).

    Where none does, all that is louder than -30 dB is cut into equal parts. For training: there it is known how many
    words were said. Raises `ValueError` for a count below 1. Taught in chapter 5.14.
    """
    if count < 1:
        raise ValueError(f"count: got {count}, expected 1 or more")
    for threshold in thresholds:
        found = pieces(picture, threshold)
        if len(found) == count:
            return found
    loud = np.flatnonzero(loudness(picture) > -30)
    edges = np.linspace(loud[0], loud[-1] + 1, count + 1).round().astype(int)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def cut(picture, spans, frames=sound.FRAMES):
    """Return pieces of a spectrogram, float32 (pieces, frames, bands): silence fills up what is short."""
    cut_out = np.full((len(spans), frames, picture.shape[1]), SILENT, "float32")
    for piece, (start, end) in zip(cut_out, spans, strict=True):
        part = picture[start : min(end, start + frames)]
        piece[: len(part)] = part - part.max()
    return np.maximum(cut_out, SILENT)


def cepstra(picture):
    """Return the mel cepstrum of each step of 32 ms, float64 (steps, 13), less its mean over the loud frames, weighted.

    Source: Davis and Mermelstein (1980); Juang et al. (1987) for the weights. Taught in chapter 5.14.
    """
    whole = len(picture) // STRIDE * STRIDE
    steps = np.asarray(picture[:whole], "float64").reshape(-1, STRIDE, picture.shape[1]).mean(axis=1)
    found = fft.dct(steps, axis=1, norm="ortho")[:, :CEPSTRA]
    loud = steps.max(axis=1) > -40
    return WEIGHTS * (found - found[loud if loud.any() else slice(None)].mean(axis=0))


@dataclass(frozen=True, eq=False)
class Templates:
    """Words as cepstra: what was said, step by step, and one step of silence.

    `steps` (all, 13) holds the templates one after the other, `firsts` and `lasts` (templates,) where each begins and
    ends, `words` (templates,) what it says. `silence` is (13,). Taught in chapter 5.14.
    """

    steps: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray
    words: np.ndarray
    silence: np.ndarray

    def recognise(self, picture, penalty):
        """Return the words whose templates, one after the other, fit the spectrogram best: a tuple of int.

        Time in the string goes on by one step; time in a template by none, one or two. Silence may stand anywhere. Each
        word costs `penalty`, in units of the median distance of a step to the nearest template. Source: Ney (1984), the
        one-pass algorithm. Taught in chapter 5.14.
        """
        heard = cepstra(picture)
        # Squared distances: one matrix product, and far less memory than all differences.
        distance = (heard**2).sum(1)[:, None] + (self.steps**2).sum(1) - 2 * heard @ self.steps.T
        distance = np.sqrt(np.maximum(distance, 0))
        quiet = np.sqrt(((heard - self.silence) ** 2).sum(1))
        price = penalty * np.median(np.minimum(distance.min(axis=1), quiet))
        first, second = np.zeros((2, len(self.steps)), bool)  # steps that one or two earlier lie in another template
        first[self.firsts] = True
        second[np.minimum(self.firsts + 1, self.lasts)] = True
        cost, history = np.full(len(self.steps), np.inf), np.zeros(len(self.steps), np.int64)
        said = [(None, 0)]  # (word, what was said before it): histories are numbers of this list
        best, best_history, silent, silent_history = 0.0, 0, np.inf, 0
        for near, hush in zip(distance, quiet, strict=True):
            choices = np.stack([cost, np.roll(cost, 1), np.roll(cost, 2)])
            choices[1, first] = np.inf
            choices[2, first | second] = np.inf
            which = choices.argmin(axis=0)
            new, place = choices.min(axis=0), np.arange(len(cost))
            kept = history[place - which]
            enters = best + price < new[self.firsts]
            at = self.firsts[enters]
            new[at], kept[at] = best + price, best_history
            silent, silent_history = min((silent, silent_history), (best, best_history))
            silent += hush
            cost, history = new + near, kept
            ending = self.lasts[cost[self.lasts].argmin()]
            if cost[ending] < silent:
                word = int(self.words[np.searchsorted(self.lasts, ending)])
                said.append((word, int(history[ending])))
                best, best_history = cost[ending], len(said) - 1
            else:
                best, best_history = silent, silent_history
        found = []
        while best_history:
            word, best_history = said[best_history]
            found.append(word)
        return tuple(found[::-1])


def templates(pictures, strings):
    """Return `Templates` of all words in strings: log-mel spectrograms (frames, bands), each with the words it says.

    Each is cut into as many pieces as it has words (`pieces_of_known_number`). Raises `ValueError` where pictures and
    strings differ in number, or there are none. Taught in chapter 5.14.
    """
    if len(pictures) != len(strings) or not len(strings):
        raise ValueError(f"strings: got {len(strings)} for {len(pictures)} spectrograms, expected as many, n > 0")
    words, parts, quiet = [], [], []
    for picture, string in zip(pictures, strings, strict=True):
        heard = cepstra(picture)
        soft = loudness(picture)[: len(heard) * STRIDE].reshape(-1, STRIDE).max(axis=1) < -35
        quiet.append(heard[soft & (picture[: len(heard) * STRIDE : STRIDE].max(axis=1) > SILENT)])
        for word, (start, end) in zip(string, pieces_of_known_number(picture, len(string)), strict=True):
            words.append(word)
            parts.append(heard[start // STRIDE : max(-(-end // STRIDE), start // STRIDE + 1)])
    lasts = np.cumsum([len(part) for part in parts]) - 1
    firsts = np.concatenate([[0], lasts[:-1] + 1])
    quiet = np.concatenate(quiet)
    silence = quiet.mean(axis=0) if len(quiet) else np.zeros(CEPSTRA)
    return Templates(np.concatenate(parts), firsts, lasts, np.array(words), silence)
