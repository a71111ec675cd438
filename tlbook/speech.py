"""Spoken digits: recordings of several speakers, and the log-mel spectrogram that turns sound into a picture."""

import io
import re
import wave
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from tlbook import assets, sources

RATE = 8000  # samples a second
WINDOW, HOP, FFT = 256, 128, 512  # samples: 32 ms, a step of 16 ms, and the window filled up with zeros
FRAMES, BANDS = 64, 40
FLOOR = -60.0  # decibels
_MEMBER = re.compile(r"(?:.*/)?(\d)_([a-z]+)_(\d{1,4})\.wav")
_LARGEST = 10**6  # bytes of a recording, a minute: no member may fill the memory
_DAMAGED = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class SpokenDigits:
    """Recordings of single digits, and who says what in which take.

    `waveforms` is a tuple of float32 (samples,), -1..1, at 8,000 samples a second; `labels` (the digit), `speakers`
    (positions in `speaker_names`) and `takes` (the number of the recording among those of one digit by one speaker)
    are integers (n,) and become int64. Raises `ValueError` for anything else. Taught in chapter 5.6.
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
        _check_waveforms(self.waveforms)
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


def load_digits():
    """Load the Free Spoken Digit Dataset: 3,000 recordings, six speakers, 50 of each digit by each of them.

    Where it cannot be had, a synthesiser speaks in its place (`tlbook.synthesiser`), announced by a printed line and
    by `source` of the result. Returns `SpokenDigits`, sorted by digit, speaker and take. Raises `ValueError` where the
    archive is damaged or holds something else. Source: Jackson et al. (2018). Taught in chapter 5.6.
    """
    try:
        path, source = sources.find(assets.FSDD)
    except sources.NotFound:
        print("The spoken digits were not found (python -m tlbook doctor says why): a synthesiser stands in for them.")
        return standin_digits()
    return SpokenDigits(*read_archive(path), source)


def standin_digits(takes=12, seed=0):
    """Let a synthesiser speak the digits: several voices, `takes` of each digit, differing in speed, pitch and noise.

    Returns `SpokenDigits`; the same `seed` gives the same sound. Taught in chapter 5.8.
    """
    from tlbook import synthesiser  # most readers have the recordings and need no synthesiser

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
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if not member.filename.endswith(".wav"):
                    continue
                match = _MEMBER.fullmatch(member.filename)
                if not match:
                    raise ValueError(f"{member.filename!r} is not named DIGIT_SPEAKER_TAKE.wav")
                digit, speaker, take = int(match[1]), match[2], int(match[3])
                if (digit, speaker, take) in found:
                    raise ValueError(f"{member.filename!r} is there twice")
                found[digit, speaker, take] = _read_member(archive, member)
    except _DAMAGED as error:
        raise ValueError(f"{path} cannot be read as an archive of spoken digits: {error}") from error
    if not found:
        raise ValueError(f"{path} holds no recordings (DIGIT_SPEAKER_TAKE.wav)")
    keys = sorted(found)
    names = tuple(sorted({speaker for _, speaker, _ in keys}))
    labels, takes = (np.array([key[i] for key in keys]) for i in (0, 2))
    speakers = np.array([names.index(speaker) for _, speaker, _ in keys])
    return tuple(found[key] for key in keys), labels, speakers, takes, names


def _read_member(archive, member):
    name = member.filename
    if member.file_size > _LARGEST:
        raise ValueError(f"{name}: {member.file_size} bytes, expected at most {_LARGEST}")
    try:
        with wave.open(io.BytesIO(archive.read(member))) as file:
            form = file.getnchannels(), 8 * file.getsampwidth(), file.getframerate()
            if form != (1, 16, RATE):
                raise ValueError(f"(channels, bits, samples a second) are {form}, expected {(1, 16, RATE)}")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            if len(samples) != file.getnframes() or not len(samples):
                raise ValueError(f"{len(samples)} samples, promised {file.getnframes()}")
    except (*_DAMAGED, wave.Error) as error:
        raise ValueError(f"{name}: {error}") from error
    return samples.astype("float32") / 32768


def few_shots(digits, speaker, per_digit, seed=0, reserved=5):
    """Draw `per_digit` recordings of each digit by one speaker to learn from: `(training, test)`, positions int64.

    The test set is what the speaker has beyond `reserved` recordings of each digit, so that it is the same for every
    `per_digit` up to `reserved`; and one shot is among the three, three are among the five.
    Raises `ValueError` for a speaker out of range or where a digit has no recording left for the test.
    Taught in chapter 5.6.
    """
    if not 0 <= speaker < len(digits.speaker_names):
        raise ValueError(f"speaker: got {speaker}, expected 0..{len(digits.speaker_names) - 1}")
    if not 1 <= per_digit <= reserved:
        raise ValueError(f"per_digit: got {per_digit}, expected 1..{reserved} (reserved)")
    rng = np.random.default_rng(seed)
    training, test = [], []
    for digit in range(10):
        mine = np.flatnonzero((digits.speakers == speaker) & (digits.labels == digit))
        if len(mine) <= reserved:
            raise ValueError(f"reserved: got {reserved}, but speaker {speaker} says {digit} only {len(mine)} times")
        mine = rng.permutation(mine)
        training.append(mine[:per_digit])
        test.append(mine[reserved:])
    return np.sort(np.concatenate(training)), np.sort(np.concatenate(test))


def hertz_to_mel(hertz):
    """Return a frequency (Hz) on the mel scale, on which equal steps sound about equally wide.

    Source: O'Shaughnessy (1987). Taught in chapter 5.6.
    """
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def mel_to_hertz(mel):
    """Return the frequency (Hz) of a value on the mel scale: the inverse of `hertz_to_mel`."""
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def mel_filters(bands=BANDS):
    """Return the mel filter bank, float32 (bands, FFT // 2 + 1): triangles of height 1, evenly spaced in mel.

    Each begins at the centre of the one before and ends at the centre of the next. Raises `ValueError` where a
    triangle would be so narrow that no frequency of the Fourier transform falls into it. Taught in chapter 5.6.
    """
    if bands < 1:
        raise ValueError(f"bands: got {bands}, expected 1 or more")
    corners = mel_to_hertz(np.linspace(0, hertz_to_mel(RATE / 2), bands + 2))
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    hertz = np.arange(FFT // 2 + 1) * RATE / FFT
    filters = np.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre)).clip(0)
    if not filters.any(axis=1).all():
        raise ValueError(
            f"bands: got {bands}, so narrow that some hold no frequency (they are {RATE / FFT:g} Hz apart)"
        )
    return filters.astype("float32")


def log_mel(waveforms, rate=RATE, frames=FRAMES, bands=BANDS):
    """Return the log-mel spectrogram of each waveform, float32 (n, frames, bands), in decibels from -60 to 0.

    Parameters
    ----------
    waveforms : sequence of numpy.ndarray
        float (samples,) each. The loudness does not matter.
    rate : int
        Samples a second: 8,000 and nothing else. Sound at another rate must be resampled first.
    frames, bands : int
        A frame every 16 ms: recordings are cut or filled with silence at their end, to 1.04 s for 64 frames.

    0 is the loudest place of the recording, -60 all that is 60 dB or more below it, silence included.
    Raises `ValueError` for another rate, no waveforms, an empty one, integers, or numbers that are not finite.
    Source: Davis and Mermelstein (1980), without their last step, the cosine transform. Taught in chapter 5.6.
    """
    if rate != RATE:
        raise ValueError(f"rate: got {rate} Hz, expected {RATE}: resample first (scipy.signal.resample_poly)")
    if frames < 1:
        raise ValueError(f"frames: got {frames}, expected 1 or more")
    _check_waveforms(waveforms)
    filters, window = mel_filters(bands).T, np.hanning(WINDOW + 1)[:-1].astype("float32")
    length = WINDOW + (frames - 1) * HOP
    pictures = np.empty((len(waveforms), frames, bands), "float32")
    with threadpool_limits(1, user_api="blas"):  # threads would spend more time waiting than multiplying
        for picture, waveform in zip(pictures, waveforms, strict=True):
            padded = np.zeros(length, "float32")
            padded[: min(length, len(waveform))] = waveform[:length]
            framed = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
            power = np.abs(np.fft.rfft(framed * window, FFT)).astype("float32") ** 2 @ filters
            # Silence alone has no loudest place: the smallest positive number stands in, and all becomes -60.
            relative = power / max(power.max(), np.finfo("float32").tiny)
            picture[:] = np.maximum(10 * np.log10(relative.clip(1e-10)), FLOOR)
    return pictures


def _check_waveforms(waveforms):
    if not len(waveforms):
        raise ValueError("waveforms: got none, expected one or more")
    for number, waveform in enumerate(waveforms):
        waveform = np.asarray(waveform)
        if waveform.ndim != 1 or waveform.dtype.kind != "f" or not len(waveform):
            hint = "; integers of 16 bits must be divided by 32,768" if waveform.dtype.kind in "iu" else ""
            raise ValueError(
                f"waveforms: number {number} is {waveform.dtype} of shape {waveform.shape}, "
                f"expected float of shape (samples,) with one sample or more{hint}"
            )
        if not np.isfinite(waveform).all():
            raise ValueError(f"waveforms: number {number} holds numbers that are not finite (NaN or infinity)")
