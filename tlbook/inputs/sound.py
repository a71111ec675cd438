"""Sound: the log-mel spectrogram that turns a waveform into a picture."""

import numpy as np
from threadpoolctl import threadpool_limits

RATE = 8000  # samples a second
WINDOW, HOP, FFT = 256, 128, 512  # samples: 32 ms, a step of 16 ms, and the window filled up with zeros
WINDOW, HOP, FFT = 256, 128, 512  # samples: 32 ms, a step of 16 ms, and the window filled up with zeros
WINDOW, HOP, FFT = 256, 128, 512  # samples: 32 ms, a step of 16 ms, and the window filled up with zeros
FRAMES, BANDS = 64, 40
FRAMES, BANDS = 64, 40
FLOOR = -60.0  # decibels


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
    check_waveforms(waveforms)
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
