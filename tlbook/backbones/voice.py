"""A real pretrained recurrent network: the voice encoder of the package resemblyzer 0.1.4, rebuilt in Keras.

Three LSTM layers of 256 units, trained to tell thousands of speakers apart. The wheel is read as data: nothing in it is
imported or run.
"""

import functools
import pickle
import zipfile
import zlib

import keras
import numpy as np
from scipy import signal
from tqdm import tqdm

from tlbook.files import assets, pickles, sources
from tlbook.files.cache import cached_arrays, fingerprint

RATE = 16_000  # samples a second
WINDOW, HOP = 400, 160  # samples: 25 ms, and a step of 10 ms
WINDOW, HOP = 400, 160  # samples: 25 ms, and a step of 10 ms
BANDS, FRAMES = 40, 160  # mel bands; frames of one window of speech, 1.6 s
BANDS, FRAMES = 40, 160  # mel bands; frames of one window of speech, 1.6 s
UNITS, LAYERS = 256, 3
UNITS, LAYERS = 256, 3
LOUDNESS = -30.0  # decibels below full scale: quieter recordings are made as loud
QUIET = 1e-6  # added to a power before its logarithm
_MEMBER = "resemblyzer/pretrained.pt"


def pretrained():
    """Find the wheel and return `(weights, source)`: the arrays as `read` gives them.

    Raises `tlbook.files.sources.NotFound` where the wheel cannot be had (random weights never stand in), and
    `ValueError` where it holds something else. Taught in chapter 5.7.
    """
    path, source = sources.find(assets.RESEMBLYZER)
    return read(path), source


def read(path):
    """Read the weights from the checkpoint inside the wheel, in Keras's layout.

    Returns
    -------
    dict of str to tuple of numpy.ndarray, all float32
        "lstm1" to "lstm3": kernel (inputs, 1024), recurrent kernel (256, 1024) and bias (1024,), gates in the order
        i, f, c, o. "linear": kernel (256, 256) and bias (256,).

    Raises `ValueError` where the file is not that wheel, its checkpoint wants more than tensors, an array is missing,
    has another shape or dtype, or is not finite. Taught in chapter 5.7.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            tensors = pickles.read_tensors(wheel.read(_MEMBER))
    except (OSError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is not the wheel resemblyzer 0.1.4: {error}") from error
    try:
        return convert({name.removeprefix("model_state/"): array for name, array in tensors.items()})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def convert(tensors):
    """Turn PyTorch's arrays of the encoder (a dict by name) into Keras's.

    PyTorch keeps every matrix transposed and the bias of an LSTM in two parts, of which only the sum counts. The order
    of the gates is the same in both. Raises `ValueError` as `read` does. Taught in chapters 3.4 and 5.7.
    """

    def get(name, *shape):
        array = tensors.get(name)
        if array is None:
            raise ValueError(f"tensors: {name} is missing; got {sorted(tensors)[:20]}")
        if array.shape != shape or array.dtype != np.float32:
            raise ValueError(f"{name}: got {array.dtype} {array.shape}, expected float32 {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: got numbers that are not finite (NaN or infinity)")
        return array

    gates, weights = 4 * UNITS, {}
    for layer in range(LAYERS):
        kernel = get(f"lstm.weight_ih_l{layer}", gates, UNITS if layer else BANDS)
        recurrent = get(f"lstm.weight_hh_l{layer}", gates, UNITS)
        bias = get(f"lstm.bias_ih_l{layer}", gates) + get(f"lstm.bias_hh_l{layer}", gates)
        weights[f"lstm{layer + 1}"] = kernel.T.copy(), recurrent.T.copy(), bias
    weights["linear"] = get("linear.weight", UNITS, UNITS).T.copy(), get("linear.bias", UNITS).copy()
    return weights


def build(weights=None):
    """Return the voice encoder as a Keras model, with the arrays of `read` or with fresh ones.

    Input: mel spectrograms (n, frames, 40) float32, as `mel` makes them. Output, a dict: "lstm1", "lstm2" and "lstm3",
    all states of a layer (n, frames, 256), and "embedding" (n, 256), of length 1, from the last state of the last
    layer. Source: Wan et al. (2018); hyperparameters of resemblyzer 0.1.4. Taught in chapter 5.7.
    """
    x = inputs = keras.Input((None, BANDS), name="mel")
    outputs = {}
    for layer in range(1, LAYERS + 1):
        x = outputs[f"lstm{layer}"] = keras.layers.LSTM(UNITS, return_sequences=True, name=f"lstm{layer}")(x)
    x = keras.layers.Dense(UNITS, activation="relu", name="linear")(x[:, -1])
    outputs["embedding"] = keras.layers.UnitNormalization(name="unit_length")(x)
    model = keras.Model(inputs, outputs, name="voice_encoder")
    for name, arrays in (weights or {}).items():
        model.get_layer(name).set_weights(arrays)
    return model


def shuffled(weights, seed):
    """Return the same numbers in a random order, array by array: the sizes of the weights without what they learned."""
    rng = np.random.default_rng(seed)
    return {
        name: tuple(rng.permutation(array.ravel()).reshape(array.shape) for array in arrays)
        for name, arrays in weights.items()
    }


def hertz_to_mel(hertz):
    """Return frequencies (Hz) on Slaney's mel scale: linear up to 1,000 Hz, logarithmic above.

    Not the formula of chapter 5.6: the encoder was trained with this one, which librosa takes unless told otherwise.
    Source: Slaney (1998), Auditory Toolbox.
    """
    hertz = np.asarray(hertz, "float64")
    return np.where(hertz < 1000, 3 * hertz / 200, 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4))


def mel_to_hertz(mel):
    """Return the frequencies (Hz) of values on Slaney's mel scale: the inverse of `hertz_to_mel`."""
    mel = np.asarray(mel, "float64")
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp(np.log(6.4) * (np.maximum(mel, 15) - 15) / 27))


@functools.cache
def mel_filters():
    """Return the filter bank, float64 (40, 201): triangles of equal area, evenly spaced in mel from 0 to 8,000 Hz."""
    corners = mel_to_hertz(np.linspace(0, hertz_to_mel(RATE / 2), BANDS + 2))
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    return np.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre)).clip(0) * 2 / (right - left)


def resampled(waveform, rate):
    """Return a waveform as the encoder wants it: float64 at 16,000 samples a second, and not too quiet.

    Parameters
    ----------
    waveform : numpy.ndarray
        float (samples,), -1..1, of 25 ms or more. Integers must be divided by their full scale first.
    rate : int
        Its samples a second, 4,000 to 192,000. From a lower rate than 16,000 the upper bands stay empty.

    Quieter recordings are raised to -30 dB below full scale (root mean square), silence stays silence. Raises
    `ValueError` for anything else. Source: `preprocess_wav` of resemblyzer 0.1.4, without its search for pauses.
    """
    waveform = np.asarray(waveform)
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not 4_000 <= rate <= 192_000:
        raise ValueError(f"rate: got {rate!r}, expected a whole number in 4000..192000 (samples a second)")
    if waveform.ndim != 1 or waveform.dtype.kind != "f" or len(waveform) * RATE < WINDOW * rate:
        raise ValueError(
            f"waveform: got {waveform.dtype} {waveform.shape}, expected float (samples,) of 25 ms or more, "
            f"{-(-WINDOW * int(rate) // RATE)} samples at this rate"
        )
    if not np.isfinite(waveform).all():
        raise ValueError("waveform: got numbers that are not finite (NaN or infinity)")
    divisor = np.gcd(RATE, rate)
    waveform = signal.resample_poly(waveform.astype("float64"), RATE // divisor, rate // divisor)
    size = np.sqrt(np.mean(waveform**2))
    return waveform * max(1.0, 10 ** (LOUDNESS / 20) / size) if size else waveform


def mel(waveform, rate):
    """Return the mel power spectrogram of a waveform, float32 (frames, 40): a frame of 25 ms every 10 ms.

    No logarithm: the encoder was trained on powers. Arguments and errors are those of `resampled`.
    Source: `librosa.feature.melspectrogram`, as resemblyzer 0.1.4 calls it. Taught in chapter 5.7.
    """
    samples = np.pad(resampled(waveform, rate), WINDOW // 2)  # so that frame t is centred on sample 160 t
    framed = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(framed * signal.get_window("hann", WINDOW))) ** 2
    return (power @ mel_filters().T).astype("float32")


def window(spectrogram):
    """Cut a spectrogram (frames, ...) to the 160 frames that the encoder was trained on, or fill it up with silence."""
    filled = np.zeros((FRAMES, *spectrogram.shape[1:]), spectrogram.dtype)
    filled[: len(spectrogram)] = spectrogram[:FRAMES]
    return filled


def pooled(states):
    """Make one vector of a sequence (frames, units), in three ways: a dict of str to float32 arrays.

    "mean" over all frames (units,), which forgets their order; "thirds", the means of the first, second and last third
    (3 * units,); "last", the last frame (units,). Raises `ValueError` for fewer than three frames.
    """
    if len(states) < 3:
        raise ValueError(f"states: got {len(states)} frames, expected 3 or more")
    thirds = np.concatenate([part.mean(axis=0) for part in np.array_split(states, 3)])
    return {"mean": states.mean(axis=0), "thirds": thirds, "last": states[-1].copy()}


def features(model, waveforms, rate, batch_size=100):
    """Return what each layer of an `build` makes of recordings, a dict of str to float32 arrays (n, ...), cached.

    "lstm1-mean" to "lstm3-last": the states of a layer over the frames of the recording, pooled (`pooled`);
    "embedding" (n, 256): the encoder's own answer, after it has read the silence that fills the window up as well;
    "log-mel-mean" to "log-mel-last": the natural logarithm of its input, pooled. Of recordings longer than 1.6 s only
    the beginning counts. Raises `ValueError` as `mel` does, and for no waveforms. Taught in chapter 5.7.
    """
    if not len(waveforms):
        raise ValueError("waveforms: got none, expected one or more")
    key = fingerprint(*model.get_weights(), *map(np.asarray, waveforms), text=["voice encoder", 1, rate])
    return cached_arrays(f"voice-{key}", lambda: _features(model, waveforms, rate, batch_size))


def _features(model, waveforms, rate, batch_size):
    found = {}
    for start in tqdm(range(0, len(waveforms), batch_size), desc=model.name, leave=False, disable=None):
        spectrograms = [mel(waveform, rate)[:FRAMES] for waveform in waveforms[start : start + batch_size]]
        outputs = model.predict(np.stack([window(s) for s in spectrograms]), batch_size=batch_size, verbose=0)
        found.setdefault("embedding", []).extend(outputs.pop("embedding"))
        outputs["log-mel"] = [np.log(s + QUIET) for s in spectrograms]
        for layer, sequences in outputs.items():
            for spectrogram, states in zip(spectrograms, sequences, strict=True):
                for how, vector in pooled(states[: len(spectrogram)]).items():
                    found.setdefault(f"{layer}-{how}", []).append(vector)
    return {name: np.stack(vectors) for name, vectors in found.items()}
