"""Sound: mel spectrograms, the pictures that networks see of a waveform. Each network has a preset of its own."""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class MelBank:
    """How a waveform becomes a mel spectrogram.

    Parameters
    ----------
    rate : int
        Samples a second.
    window, hop, fft : int
        Samples of a frame, from one frame to the next, and of a frame that zeros have filled up.
    bands : int
        Triangles between 0 and half the rate.
    scale : {"htk", "slaney"}
        Where the triangles lie; see `hertz_to_mel`.
    equal_area : bool
        Whether all triangles have one area, and not one height.
    """

    rate: int
    window: int
    hop: int
    fft: int
    bands: int
    scale: str
    equal_area: bool


# Chapter 5.7: frames of 32 ms every 16 ms.
DIGITS = MelBank(8_000, window=256, hop=128, fft=512, bands=40, scale="htk", equal_area=False)
# What the voice encoder of chapter 5.8 was trained on: 25 ms every 10 ms. librosa's triangles, unless told otherwise.
VOICE = MelBank(16_000, window=400, hop=160, fft=400, bands=40, scale="slaney", equal_area=True)
FRAMES = 64  # of a picture of a digit
FLOOR = -60.0  # decibels below the loudest place
LOUDNESS = -30.0  # decibels below full scale: for the voice encoder, quieter recordings are made as loud


def hertz_to_mel(hertz, scale="htk"):
    """Return frequencies (Hz) on a mel scale, on which equal steps sound about equally wide.

    "htk" is O'Shaughnessy's formula (1987), "slaney" that of Slaney's Auditory Toolbox (1998): linear up to 1,000 Hz,
    logarithmic above. Raises `ValueError` for another scale. Taught in chapters 5.7 and 5.8.

    >>> hertz_to_mel([500, 1000, 4000]).round().tolist()
    [607.0, 1000.0, 2146.0]
    >>> hertz_to_mel([500, 1000, 4000], "slaney").round(1).tolist()
    [7.5, 15.0, 35.2]
    """
    _check_scale(scale)
    hertz = np.asarray(hertz, "float64")
    if scale == "htk":
        return 2595 * np.log10(1 + hertz / 700)
    return np.where(hertz < 1000, 3 * hertz / 200, 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4))


def mel_to_hertz(mel, scale="htk"):
    """Return the frequencies (Hz) of values on a mel scale: the inverse of `hertz_to_mel`."""
    _check_scale(scale)
    mel = np.asarray(mel, "float64")
    if scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp(np.log(6.4) * (np.maximum(mel, 15) - 15) / 27))


def _check_scale(scale):
    if scale not in ("htk", "slaney"):
        raise ValueError(f"scale: got {scale!r}, expected 'htk' or 'slaney'")


def mel_filters(bank=DIGITS, bands=None):
    """Return a filter bank, float64 (bands, bank.fft // 2 + 1): triangles, evenly spaced in mel.

    Each begins at the centre of the one before and ends at the centre of the next. `bands` is by default the bank's.
    Raises `ValueError` for no bands, and where a triangle would be so narrow that no frequency of the Fourier transform
    falls into it. Taught in chapter 5.7.

    >>> mel_filters(DIGITS).shape
    (40, 257)
    """
    bands = bank.bands if bands is None else bands
    if bands < 1:
        raise ValueError(f"bands: got {bands}, expected 1 or more")
    corners = mel_to_hertz(np.linspace(0, hertz_to_mel(bank.rate / 2, bank.scale), bands + 2), bank.scale)
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    hertz = np.arange(bank.fft // 2 + 1) * bank.rate / bank.fft
    filters = np.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre)).clip(0)
    if not filters.any(axis=1).all():
        step = bank.rate / bank.fft
        raise ValueError(f"bands: got {bands}, so narrow that some hold no frequency (they are {step:g} Hz apart)")
    return filters * 2 / (right - left) if bank.equal_area else filters


def _powers(samples, bank):
    """Return the power of each frequency in each frame, (frames, bank.fft // 2 + 1), of the dtype of the samples."""
    framed = np.lib.stride_tricks.sliding_window_view(samples, bank.window)[:: bank.hop]
    hann = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, bank.window + 1))[:-1]
    return np.abs(np.fft.rfft(framed * hann.astype(samples.dtype), bank.fft)).astype(samples.dtype) ** 2


def log_mel(waveforms, rate=DIGITS.rate, frames=FRAMES, bands=DIGITS.bands):
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
    Raises `ValueError` for another rate, frames or bands that `mel_filters` refuses, no waveforms, an empty one,
    integers, or numbers that are not finite.
    Source: Davis and Mermelstein (1980), without their last step, the cosine transform. Taught in chapter 5.7.

    >>> log_mel([np.sin(np.arange(4000))]).shape
    (1, 64, 40)
    """
    if rate != DIGITS.rate:
        raise ValueError(f"rate: got {rate} Hz, expected {DIGITS.rate}: resample first (scipy.signal.resample_poly)")
    if frames < 1:
        raise ValueError(f"frames: got {frames}, expected 1 or more")
    check_waveforms(waveforms)
    filters = mel_filters(DIGITS, bands).astype("float32").T
    length = DIGITS.window + (frames - 1) * DIGITS.hop
    pictures = np.empty((len(waveforms), frames, bands), "float32")
    with threadpool_limits(1, user_api="blas"):  # threads would spend more time waiting than multiplying
        for picture, waveform in zip(pictures, waveforms, strict=True):
            padded = np.zeros(length, "float32")
            padded[: min(length, len(waveform))] = waveform[:length]
            power = _powers(padded, DIGITS) @ filters
            # Silence alone has no loudest place: the smallest positive number stands in, and all becomes -60.
            relative = power / max(power.max(), np.finfo("float32").tiny)
            picture[:] = np.maximum(10 * np.log10(relative.clip(1e-10)), FLOOR)
    return pictures


def check_waveforms(waveforms):
    """Raise `ValueError` for no waveforms, an empty one, integers, or numbers that are not finite."""
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


def mel_power(waveform, rate):
    """Return the mel power spectrogram that the voice encoder reads, float32 (frames, 40): 25 ms every 10 ms.

    No logarithm: the encoder was trained on powers. Arguments and errors are those of `resampled`.
    Source: `librosa.feature.melspectrogram`, as resemblyzer 0.1.4 calls it. Taught in chapter 5.8.
    """
    samples = np.pad(resampled(waveform, rate), VOICE.window // 2)  # so that frame t is centred on sample 160 t
    return (_powers(samples, VOICE) @ mel_filters(VOICE).T).astype("float32")


def resampled(waveform, rate):
    """Return a waveform as the voice encoder wants it: float64 at 16,000 samples a second, and not too quiet.

    Parameters
    ----------
    waveform : numpy.ndarray
        float (samples,), -1..1, of 25 ms or more. Integers must be divided by their full scale first.
    rate : int
        Its samples a second, 4,000 to 192,000. From a lower rate than 16,000 the upper bands stay empty.

    Quieter recordings are raised to -30 dB below full scale (root mean square), silence stays silence. Raises
    `ValueError` for anything else. Source: `preprocess_wav` of resemblyzer 0.1.4, without its search for pauses.
    """
    from scipy import signal  # here, so that the digits load without it

    waveform = np.asarray(waveform)
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not 4_000 <= rate <= 192_000:
        raise ValueError(f"rate: got {rate!r}, expected a whole number in 4000..192000 (samples a second)")
    if waveform.ndim != 1 or waveform.dtype.kind != "f" or len(waveform) * VOICE.rate < VOICE.window * rate:
        raise ValueError(
            f"waveform: got {waveform.dtype} {waveform.shape}, expected float (samples,) of 25 ms or more, "
            f"{-(-VOICE.window * int(rate) // VOICE.rate)} samples at this rate"
        )
    if not np.isfinite(waveform).all():
        raise ValueError("waveform: got numbers that are not finite (NaN or infinity)")
    divisor = np.gcd(VOICE.rate, rate)
    waveform = signal.resample_poly(waveform.astype("float64"), VOICE.rate // divisor, rate // divisor)
    size = np.sqrt(np.mean(waveform**2))
    return waveform * max(1.0, 10 ** (LOUDNESS / 20) / size) if size else waveform
