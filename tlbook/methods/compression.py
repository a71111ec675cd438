"""Compression: a trained network with fewer bits, fewer weights or fewer channels; what it weighs, how fast it is."""

import contextlib
import io
import time
import warnings
import zlib

import keras
import numpy as np

PRECISIONS = ("float32", "float16", "dynamic", "int8")


def to_litert(model, precision="float32", calibration=None):
    """Return a network as the bytes of a LiteRT file (`.tflite`), which phones and small devices run without Keras.

    Parameters
    ----------
    model : keras.Model
        One input, one output. A batch of the file is one example.
    precision : str
        "float32"; "float16": weights kept in half the bits; "dynamic": weights int8, the range of the activations is
        measured in each call; "int8": weights and activations int8, the ranges are fixed by `calibration`. Inputs and
        outputs of the file are float32 in all four.
    calibration : numpy.ndarray, optional
        (n, ...), a few dozen training examples, for "int8" and only for it. Their labels are not needed. Never
        examples of the test: they would have taken part in making what they judge.

    Returns
    -------
    bytes

    Raises `ValueError` for another precision, for "int8" without calibration, or calibration with another precision;
    `RuntimeError` where Keras does not run on TensorFlow, whose converter this is. Source: Jacob et al. (2018) for
    int8. Taught in chapter 8.5.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision: got {precision!r}, expected one of {', '.join(PRECISIONS)}")
    if (precision == "int8") != (calibration is not None and len(calibration) > 0):
        raise ValueError(f"calibration: got {np.shape(calibration)} for {precision}, expected examples for int8 alone")
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"the converter to LiteRT is TensorFlow's, but Keras runs on {keras.backend.backend()}")
    import tensorflow as tf  # late: half a gigabyte

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        examples = np.asarray(calibration, "float32")
        converter.representative_dataset = lambda: ([example[None]] for example in examples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), _silent(tf.get_logger()):
        warnings.simplefilter("ignore")  # it prints the signature of the network, and misses ranges of the inputs
        return converter.convert()


@contextlib.contextmanager
def _silent(logger):
    """Keep a logger from telling readers where the converter puts files that are gone when it ends."""
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


class LiteRT:
    """A LiteRT file that is ready to run, on one thread: call it with inputs (n, ...) to get outputs, float32.

    Made from the bytes of the file. It runs one example after the other, as a device does. The runtime is that of the
    package ai-edge-litert where it is installed, else TensorFlow's own copy. Raises `ValueError` for bytes that are no
    LiteRT file. Taught in chapter 8.5.
    """

    def __init__(self, content):
        """Load the file and reserve its memory."""
        self.interpreter = _interpreter()(model_content=content, num_threads=1)
        self.interpreter.allocate_tensors()
        (self.input,), (self.output,) = self.interpreter.get_input_details(), self.interpreter.get_output_details()

    def __call__(self, inputs):
        """Return the outputs, float32 (n, ...), for inputs (n, ...) of numbers, n > 0."""
        outputs = []
        for example in np.asarray(inputs):
            self.interpreter.set_tensor(self.input["index"], example[None].astype("float32"))
            self.interpreter.invoke()
            outputs.append(self.interpreter.get_tensor(self.output["index"])[0])
        return np.stack(outputs)


def prune(model, share):
    """Return a copy of a network in which the smallest weights of each kernel are zero.

    `share` of them, 0 up to, not including, 1: in each kernel of a convolution or dense layer those nearest to zero.
    Biases and all else stay. Shapes stay as well, and so does the work: a zero is multiplied like any number.
    Raises `ValueError` for another share. Source: Han et al. (2015). Taught in chapter 8.5.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share: got {share}, expected a number from 0 up to, not including, 1")
    pruned = keras.models.clone_model(model)
    pruned.set_weights(model.get_weights())
    _finalise(pruned)
    for layer in pruned.layers:
        if isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Dense):
            kernel = keras.ops.convert_to_numpy(layer.kernel).copy()
            size = np.abs(kernel)
            kernel[size < np.quantile(size, share)] = 0
            layer.kernel.assign(kernel)
    return pruned


def thin(model, names, keep=0.5):
    """Return a smaller network: of some convolutions only the strongest filters are kept, the others are cut out.

    Parameters
    ----------
    model : keras.Model
        A chain of layers.
    names : sequence of str
        Conv2D layers. The next layer with weights must be a Conv2D too: it loses the same input channels.
    keep : float
        Share of the filters that stay, above 0 and at most 1: those with the largest sums of absolute weights.

    Raises `ValueError` for another `keep`, and for a layer that is not such a convolution. Source: Li et al. (2017).
    Taught in chapter 8.5.
    """
    if not 0 < keep <= 1:
        raise ValueError(f"keep: got {keep}, expected a number above 0 and at most 1")
    weighted = [layer for layer in model.layers if layer.weights]
    convolutions = [
        layer.name
        for layer, following in zip(weighted, weighted[1:], strict=False)
        if isinstance(layer, keras.layers.Conv2D) and isinstance(following, keras.layers.Conv2D)
    ]
    if unknown := sorted(set(names) - set(convolutions)):
        raise ValueError(f"names: got {unknown}, expected some of {convolutions}")
    kept = {}
    for layer in weighted:
        if layer.name in names:
            strength = np.abs(keras.ops.convert_to_numpy(layer.kernel)).sum(axis=(0, 1, 2))
            kept[layer.name] = np.sort(np.argsort(-strength)[: max(1, round(keep * len(strength)))])

    def cloned(layer):
        config = layer.get_config()
        if layer.name in kept:
            config["filters"] = len(kept[layer.name])
        return type(layer).from_config(config)

    smaller, before = keras.models.clone_model(model, clone_function=cloned), None
    for layer in weighted:
        weights = layer.get_weights()
        if before in kept:
            weights[0] = weights[0][:, :, kept[before]]
        if layer.name in kept:
            weights = [weight[..., kept[layer.name]] for weight in weights]
        smaller.get_layer(layer.name).set_weights(weights)
        before = layer.name
    _finalise(smaller)
    return smaller


def zipped(content):
    """Return how many bytes are left of `content` (bytes) once it is packed, as in a zip archive.

    >>> zipped(bytes(1000)) < 20
    True
    """
    return len(zlib.compress(content, 9))


def side_by_side(functions, rounds=20):
    """Return what each of several functions takes, in CPU seconds: a dict by name, of the fastest of its calls.

    `functions` maps names to functions of no argument. They take turns, `rounds` times, so that a slow moment of the
    computer meets all of them; the first turn is not counted. CPU seconds leave out what other programs do meanwhile.
    Only ratios of such numbers mean anything elsewhere.
    Raises `ValueError` for fewer than one round, or no function. Taught in chapter 8.5.
    """
    if rounds < 1 or not functions:
        raise ValueError(f"rounds: got {rounds} of {len(functions)} functions, expected 1 or more of 1 or more")
    best = dict.fromkeys(functions, np.inf)
    for turn in range(rounds + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            if turn:
                best[name] = min(best[name], time.process_time() - start)
    return best


def _finalise(model):
    """Let layers that standardise compute with the mean and variance that they were given."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _interpreter():
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow as tf

        # It asks to install ai-edge-litert, which few readers have.
        warnings.filterwarnings("ignore", message=r"(?s).*tf\.lite\.Interpreter is deprecated")
        Interpreter = tf.lite.Interpreter
    return Interpreter
