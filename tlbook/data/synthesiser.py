"""Synthetic speech: words said by espeak-ng (`tlbook.data.espeak`), as if recorded, and as if recorded elsewhere.

Taught in chapter 5.10; where recorded speech is not to be had, chapter 5.7 uses it as an announced stand-in.
"""

import functools
import hashlib
import importlib.metadata
import json

import numpy as np

from tlbook.data import espeak
from tlbook.data.espeak import RATE
from tlbook.files.cache import cached_arrays

# An accent of English, "+", and a variant: another vocal tract and pitch. The two lists share no variant, so that one
# can play the source and the other the people of the target.
VOICES = tuple(
    f"{accent}+{variant}"
    for accent in ("en-us", "en", "en-gb-scotland", "en-029", "en-gb-x-rp")
    for variant in ("m1", "m2", "m4", "m6", "m8", "f2", "f5", "Andy", "klatt2", "Mr serious")
)
SPEAKERS = ("en-us+m3", "en+f4", "en-gb-scotland+m7", "en-029+f1", "en-gb-x-gbclan+m5", "en-us-nyc+f3")

_FORMAT = 1  # part of the cached files' names: count it up when the same arguments give other sound


def speak(text, voice="en-us", words_per_minute=175, pitch=50, pitch_range=50):
    """Say a text and return its waveform, float32 (n,) in -1..1, and the samples a second, `RATE`.

    Parameters
    ----------
    text : str
        What to say. Numerals are read in the language of the voice.
    voice : str
        A language or accent of `espeak.voices()`, if you like with "+" and a variant: "en-us", "de", "en-us+f2".
    words_per_minute : int
        80..450.
    pitch, pitch_range : int
        0..99: the height of the voice, and how far it moves (0 is monotone).

    Raises
    ------
    ModuleNotFoundError
        Where the package espeakng_loader is missing.
    ValueError
        For an empty text, an unknown voice, or a number outside its limits.
    RuntimeError
        Where espeak-ng cannot run on this machine.

    Source: espeak-ng 1.52, `speak_lib.h`. Taught in chapter 5.10.
    """
    return espeak.say([espeak.request(text, voice, words_per_minute, pitch, pitch_range)])[0], RATE


def spoken_digits(voices=SPEAKERS, takes=10, seed=0, rate=8_000, vary=True):
    """Return the digits 0 to 9, said by several voices, as if recorded from so many people.

    Each voice says each digit `takes` times. The takes of a voice differ in speed (130 to 220 words a minute), pitch
    and liveliness, loudness (0.3 to 0.9 of full scale) and background noise (30 to 60 dB below the voice). Silence at
    both ends is cut off. The first call with the same arguments takes seconds; later ones find it in the cache.

    Parameters
    ----------
    voices : sequence of str
        See `speak`. A voice of another language says the digits in that language.
    takes : int
        Of each digit and voice.
    seed : int
        Draws speed, pitch, loudness and noise.
    rate : int
        Samples a second, at most `RATE`.
    vary : bool
        If false, every take has the same speed, pitch and loudness, and no noise.

    Returns
    -------
    waveforms : tuple of numpy.ndarray
        Each float32 (n,) in -1..1, ordered by voice, digit, take.
    labels, speakers : numpy.ndarray
        int64 (n,): the digit, and an index into `speaker_names`.
    speaker_names : tuple of str

    Raises `ValueError` for no or an unknown voice, for `takes` below 1 and for a `rate` out of range; otherwise as
    `speak` does. Taught in chapter 5.10.
    """
    if isinstance(voices, str) or not len(voices):
        raise ValueError(f"voices: got {voices!r}, expected a sequence of one or more names")
    for name, value, low, high in [("takes", takes, 1, 10_000), ("rate", rate, 4_000, RATE)]:
        if not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise ValueError(f"{name}: got {value!r}, expected a whole number in {low}..{high}")
    espeak.voices()  # says what is missing where it is
    arguments = [_FORMAT, importlib.metadata.version("espeakng_loader"), list(voices)]
    key = json.dumps([*arguments, int(takes), int(seed), int(rate), bool(vary)])

    def compute():
        rng = np.random.default_rng(seed)
        requests, finish = [], []
        for voice in voices:
            for digit in range(10):
                for _ in range(takes):
                    manner = (rng.integers(130, 221), rng.integers(35, 66), rng.integers(20, 81)) if vary else ()
                    requests.append(espeak.request(str(digit), voice, *map(int, manner)))
                    finish.append((rng.uniform(0.3, 0.9), rng.uniform(30, 60)) if vary else (0.6, None))
        takes_made = [
            _recorded(sound, rate, *how, rng) for sound, how in zip(espeak.say(requests), finish, strict=True)
        ]
        # 16 bits a sample, as most recordings have.
        return {"samples": np.concatenate(takes_made), "lengths": np.array([len(take) for take in takes_made])}

    arrays = cached_arrays(f"spoken-digits-{hashlib.sha256(key.encode()).hexdigest()[:16]}", compute)
    pieces = np.split(arrays["samples"], np.cumsum(arrays["lengths"])[:-1])
    waveforms = tuple(piece.astype("float32") / 32_768 for piece in pieces)
    labels = np.tile(np.repeat(np.arange(10), takes), len(voices))
    return waveforms, labels, np.repeat(np.arange(len(voices)), 10 * takes), tuple(voices)


def trim(waveform, rate, below_peak_db=35.0):
    """Return the waveform without the silence at both ends: frames of 10 ms far below the loudest one.

    `below_peak_db` says how far, in dB. A waveform that is silent all through comes back whole. Raises
    `ValueError` for anything but one row of samples. Taught in chapter 5.10.
    """
    if np.ndim(waveform) != 1 or not len(waveform):
        raise ValueError(f"waveform: got shape {np.shape(waveform)}, expected (samples,) with one sample or more")
    size = max(1, rate // 100)
    frames = np.add.reduceat(np.square(waveform, dtype="float64"), np.arange(0, len(waveform), size))
    loud = np.flatnonzero(frames > frames.max() * 10 ** (-below_peak_db / 10))
    return waveform[loud[0] * size : (loud[-1] + 1) * size] if len(loud) else waveform


def randomise(spectrograms, seed=0):
    """Return log-mel spectrograms as if other people had spoken elsewhere: throat, room and background drawn anew.

    Parameters
    ----------
    spectrograms : numpy.ndarray
        float32 (n, frames, bands), decibels of -60..0, as `tlbook.inputs.sound.log_mel` gives them.
    seed : int
        Draws all changes.

    Returns
    -------
    numpy.ndarray
        Of the same kind. The bands are stretched by up to an eighth (a longer or shorter throat); a smooth filter is
        added that leans by 5 dB towards the high bands to 35 dB towards the low ones (a room, a microphone); and so is
        noise, 35 to 75 dB below the loudest place. Frames that were silent all through stay so.

    Raises `ValueError` for another shape or values outside -60..0.
    Source: domain randomisation, Tobin et al. (2017). Taught in chapter 5.10.
    """
    spectrograms = np.asarray(spectrograms)
    if spectrograms.ndim != 3 or min(spectrograms.shape) < 1 or spectrograms.shape[2] < 2:
        raise ValueError(f"spectrograms: got shape {spectrograms.shape}, expected (n, frames, bands), n > 0, bands > 1")
    if not ((spectrograms >= -60) & (spectrograms <= 0)).all():
        raise ValueError("spectrograms: some values are not in -60..0 dB, as `sound.log_mel` gives them")
    rng, bands = np.random.default_rng(seed), np.arange(spectrograms.shape[2])
    lean = bands / len(bands) - 0.5
    changed = np.empty(spectrograms.shape, "float32")
    for number, decibels in enumerate(spectrograms):
        sound = (decibels > -60).any(axis=1, keepdims=True)
        # A throat that is longer by a factor has all its resonances lower by it.
        throat = np.clip(bands * rng.uniform(0.88, 1.14), 0, bands[-1])
        lower = np.minimum(throat.astype(int), bands[-2])
        decibels = decibels[:, lower] + (throat - lower) * (decibels[:, lower + 1] - decibels[:, lower])
        # A filter multiplies power, so it adds decibels. Most people and microphones are weaker at the top than rules.
        smooth = np.interp(bands, np.linspace(0, bands[-1], 6), rng.normal(0, 4, 6))
        decibels = decibels + smooth + rng.uniform(-35, 5) * lean
        # Noise adds power.
        noise = rng.uniform(-75, -35) + rng.uniform(-10, 10) * lean + decibels.max()
        power = 10 ** (decibels / 10) + 10 ** (noise / 10) * rng.exponential(size=decibels.shape)
        decibels = 10 * np.log10(power)
        changed[number] = np.where(sound, np.maximum(decibels - decibels.max(), -60), -60)
    return changed


@functools.cache
def _low_pass(up, down):
    """Return the filter that `resample_poly` designs at every call unless it is given one."""
    from scipy.signal import firwin  # here: the child process does without scipy

    widest = max(up, down)
    return firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0))


def _recorded(sound, rate, loudness, noise_db, rng):
    """Return synthetic sound as if recorded: trimmed, resampled, at a loudness, with noise; int16 (n,)."""
    from scipy.signal import resample_poly

    up, down = np.array([rate, RATE]) // np.gcd(rate, RATE)
    wave = resample_poly(trim(sound, RATE), up, down, window=_low_pass(up, down))
    wave = wave * (loudness / max(np.abs(wave).max(), 1e-9))
    if noise_db is not None:
        wave = wave + rng.normal(0, np.sqrt(np.mean(wave**2)) * 10 ** (-noise_db / 20), size=len(wave))
    return np.clip(np.rint(wave * 32_768), -32_768, 32_767).astype(np.int16)
