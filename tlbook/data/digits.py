"""Spoken digits: recordings of several speakers, who says what in which take."""

import io
import re
import wave
import zipfile
from dataclasses import dataclass

import numpy as np

from tlbook.data import splits
from tlbook.files import assets, sources
from tlbook.files.archives import DamagedFile, read_member, reading
from tlbook.inputs import sound

_MEMBER = re.compile(r"(?:.*/)?(\d)_([a-z]+)_(\d{1,4})\.wav")
_LARGEST = 10**6  # bytes of a recording, a minute: no member may fill the memory


@dataclass(frozen=True, eq=False)
class SpokenDigits:
    """Recordings of single digits, and who says what in which take.

    `waveforms` is a tuple of float32 (samples,), -1..1, at 8,000 samples a second; `labels` (the digit), `speakers`
    (positions in `speaker_names`) and `takes` (the number of the recording among those of one digit by one speaker)
    are integers (n,) and become int64. Raises `ValueError` for anything else. Taught in chapter 5.7.
    """

    waveforms: tuple[np.ndarray, ...]
    labels: np.ndarray
    speakers: np.ndarray
    takes: np.ndarray
    speaker_names: tuple[str, ...]
    source: sources.Source

    def __post_init__(self):
        """Check all fields against each other."""
        object.__setattr__(self, "waveforms", tuple(self.waveforms))
        object.__setattr__(self, "speaker_names", tuple(self.speaker_names))
        sound.check_waveforms(self.waveforms)
        limits = {"labels": 10, "speakers": len(self.speaker_names), "takes": np.inf}
        for name, limit in limits.items():
            values = np.asarray(getattr(self, name))
            if values.shape != (len(self.waveforms),) or values.dtype.kind not in "iu":
                raise ValueError(
                    f"{name}: got {values.dtype} of shape {values.shape}, "
                    f"expected integers of shape ({len(self.waveforms)},)"
                )
            if values.min() < 0 or values.max() >= limit:
                raise ValueError(f"{name}: got {values.min()}..{values.max()}, expected 0 or more, below {limit}")
            object.__setattr__(self, name, values.astype(np.int64))

    def __len__(self):
        """Return the number of recordings."""
        return len(self.labels)


def load():
    """Load the Free Spoken Digit Dataset: 3,000 recordings, six speakers, 50 of each digit by each of them.

    Where it cannot be had, a synthesiser speaks in its place (`tlbook.data.synthesiser`), announced by a printed line
    and by `source` of the result. Returns `SpokenDigits`, sorted by digit, speaker and take. Raises `ValueError` where
    the archive is damaged or holds something else, and as `tlbook.data.synthesiser.speak` does where the synthesiser
    cannot run either. Source: Jackson et al. (2018). Taught in chapter 5.7.
    """
    try:
        path, source = sources.find(assets.FSDD)
    except sources.NotFound:
        print("The spoken digits were not found (python -m tlbook doctor says why): a synthesiser stands in for them.")
        return stand_in()
    return SpokenDigits(*read_archive(path), source)


def stand_in(takes=12, seed=0):
    """Let a synthesiser speak the digits: several voices, `takes` of each digit, differing in speed, pitch and noise.

    Returns `SpokenDigits`; the same `seed` gives the same sound. Taught in chapter 5.10.
    """
    from tlbook.data import synthesiser  # most readers have the recordings and need no synthesiser

    waveforms, labels, speakers, names = synthesiser.spoken_digits(takes=takes, seed=seed)
    numbers = np.tile(np.arange(takes), len(labels) // takes)  # they come ordered by voice, digit, take
    order = np.lexsort([numbers, speakers, labels])
    source = sources.Source(
        "espeak-ng stand-in", "package index", "Speech by rule, not recordings: its numbers say nothing about people."
    )
    print(source)
    return SpokenDigits([waveforms[i] for i in order], labels[order], speakers[order], numbers[order], names, source)


def read_archive(path):
    """Read a zip of recordings DIGIT_SPEAKER_TAKE.wav, in memory: `(waveforms, labels, speakers, takes, names)`.

    Raises `ValueError` with the name of the member where one is damaged, is not a mono recording of 16 bits at 8,000
    samples a second, or has another kind of name.
    """
    found = {}
    with reading(path, "an archive of spoken digits"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".wav"):
                continue
            match = _MEMBER.fullmatch(member.filename)
            if not match:
                raise DamagedFile(f"{path}: {member.filename!r} is not named DIGIT_SPEAKER_TAKE.wav")
            key = int(match[1]), match[2], int(match[3])
            if key in found:
                raise DamagedFile(f"{path}: {member.filename!r} is there twice")
            found[key] = _read_member(archive, member, path)
    if not found:
        raise DamagedFile(f"{path} holds no recordings (DIGIT_SPEAKER_TAKE.wav)")
    keys = sorted(found)
    names = tuple(sorted({speaker for _, speaker, _ in keys}))
    labels, takes = (np.array([key[i] for key in keys]) for i in (0, 2))
    speakers = np.array([names.index(speaker) for _, speaker, _ in keys])
    return tuple(found[key] for key in keys), labels, speakers, takes, names


def _read_member(archive, member, path):
    name = f"{path}: {member.filename}"
    if member.file_size > _LARGEST:
        raise DamagedFile(f"{name}: {member.file_size} bytes, expected at most {_LARGEST}")
    with reading(name, "a recording"), wave.open(io.BytesIO(read_member(archive, member, _LARGEST))) as file:
        form = file.getnchannels(), 8 * file.getsampwidth(), file.getframerate()
        count, samples = file.getnframes(), file.readframes(file.getnframes())
    if form != (1, 16, sound.DIGITS.rate):
        raise DamagedFile(
            f"{name}: (channels, bits, samples a second) are {form}, expected {(1, 16, sound.DIGITS.rate)}"
        )
    if len(samples) != 2 * count or not count:
        raise DamagedFile(f"{name}: {len(samples) // 2} samples, promised {count}, expected 1 or more")
    return np.frombuffer(samples, "<i2").astype("float32") / 32768


def few_shots(digits, speaker, per_digit, seed=0, reserved=5):
    """Draw `per_digit` recordings of each digit by one speaker to learn from: `(training, test)`, positions int64.

    The test set is what the speaker has beyond `reserved` recordings of each digit, so that it is the same for every
    `per_digit` up to `reserved`; and one shot is among the three, three are among the five.
    Raises `ValueError` for a speaker out of range or where a digit has no recording left for the test.
    Taught in chapter 5.7.
    """
    if not 0 <= speaker < len(digits.speaker_names):
        raise ValueError(f"speaker: got {speaker}, expected 0..{len(digits.speaker_names) - 1}")
    if not 1 <= per_digit <= reserved:
        raise ValueError(f"per_digit: got {per_digit}, expected 1..{reserved} (reserved)")
    mine = np.flatnonzero(digits.speakers == speaker)
    counts = np.bincount(digits.labels[mine], minlength=10)
    if counts.min() <= reserved:
        digit = int(np.argmax(counts <= reserved))
        raise ValueError(f"reserved: got {reserved}, but speaker {speaker} says {digit} only {counts[digit]} times")
    rng = np.random.default_rng(seed)
    # Sorting turns "who comes first" into "in which place": the draw of the recorded runs was the former.
    rank = splits.ranks(digits.labels[mine], lambda k: np.argsort(rng.permutation(k)))
    return mine[rank < per_digit], mine[rank >= reserved]
