"""The cached prefix: what the frozen part of a network makes of all pictures, computed once and kept on the disk.

Fine-tuning the last layers calls the frozen ones again and again, and they always say the same. `cached` lets every
picture through them once, in each of its views; `PrefixBatches` feeds what comes after; `join` makes one model of both.
"""

import pathlib
from dataclasses import dataclass

import keras
import numpy as np
from tqdm import tqdm

from tlbook import features, training
from tlbook.files import cache
from tlbook.files.pieces import computed_in_pieces

VIEWS = ("plain", "mirrored")
PIECE = 512  # examples that are written, and noted as done, at once


@dataclass(frozen=True, eq=False)
class Prefixed:
    """What a prefix made: `arrays` (views, n, ...), a memory map that only reads; its `views`; `cpu_seconds` it took.

    Taught in chapter 4.6.
    """

    arrays: np.ndarray
    views: tuple[str, ...]
    cpu_seconds: float

    def view(self, name):
        """Return the features of all examples in one view, a memory map (n, ...). Raises `ValueError` for another."""
        if name not in self.views:
            raise ValueError(f"name: got {name!r}, expected one of {', '.join(self.views)}")
        return self.arrays[self.views.index(name)]


def cached(prefix, inputs, views=VIEWS, dtype="float16", batch_size=64, folder=None):
    """Let every example through the frozen part of a network once, and return what it made, as `Prefixed`.

    Parameters
    ----------
    prefix : keras.Model
        One input, one output. What prepares the pictures (their size, the mean) belongs into it.
    inputs : numpy.ndarray
        (n, ...), n > 0: uint8 pictures, or floats, of the shape that the prefix takes.
    views : sequence of str
        "plain" and "mirrored" (pictures flipped left to right), one or both.
    dtype : str
        "float16" (half the disk, and finer than what training notices) or "float32" (exact).
    batch_size : int
        Examples a call of the prefix.
    folder : path, optional
        Where the file is; by default where all computed features are (`tlbook.files.cache.computed_dir`).

    The file is found again by a key of weights, operations, data, views, dtype and versions: another of these makes
    another file. It is resumed where a process was killed, and checked before use; `tlbook.files.pieces` says how.

    Raises `ValueError` for other inputs or views, or features that float16 cannot hold, and
    `tlbook.files.cache.NoRoom` where the disk has not enough room. Taught in chapter 4.6.
    """
    inputs, views = np.asarray(inputs), tuple(views)
    expected, n = tuple(prefix.input_shape[1:]), len(inputs)
    if inputs.shape[1:] != expected or not n or not (inputs.dtype == np.uint8 or inputs.dtype.kind == "f"):
        raise ValueError(f"inputs: got {inputs.dtype} {inputs.shape}, expected uint8 or floats (n, *{expected}), n > 0")
    if not views or len(set(views)) < len(views) or set(views) - set(VIEWS):
        raise ValueError(f"views: got {views}, expected one or more of {', '.join(VIEWS)}")
    if "mirrored" in views and inputs.ndim != 4:
        raise ValueError(f"views: got 'mirrored' for inputs of shape {inputs.shape}, expected pictures (n, h, w, c)")
    if dtype not in ("float16", "float32"):
        raise ValueError(f"dtype: got {dtype!r}, expected 'float16' or 'float32'")
    key = cache.fingerprint(inputs, text=[features.identity(prefix), views, dtype, PIECE, cache.versions()])
    call = features.halved(prefix) if dtype == "float16" else prefix
    pieces = [(view, start, min(start + PIECE, n)) for view in views for start in range(0, n, PIECE)]
    with tqdm(total=n * len(views), desc=prefix.name, unit="example", leave=False, disable=None) as bar:

        def compute(number):
            view, start, stop = pieces[number]
            bar.n = start + views.index(view) * n
            bar.refresh()
            batches = (inputs[i : min(i + batch_size, stop)] for i in range(start, stop, batch_size))
            seen = (batch[:, :, ::-1] if view == "mirrored" else batch for batch in batches)
            made = (call(batch.astype("float32"), training=False) for batch in seen)
            return np.concatenate([keras.ops.convert_to_numpy(each) for each in made])

        path = pathlib.Path(folder or cache.computed_dir()) / f"prefix-{key}.npy"
        shape, rows = (n * len(views), *prefix.output_shape[1:]), [stop - start for _, start, stop in pieces]
        array, seconds = computed_in_pieces(path, key, shape, dtype, rows, compute)
    return Prefixed(array.reshape(len(views), n, *array.shape[1:]), views, seconds)


class PrefixBatches(training.Batches):
    """Shuffled batches for what comes after a cached prefix; only one batch at a time is read from the disk.

    Parameters
    ----------
    prefixed : Prefixed
        What `cached` returned.
    labels : numpy.ndarray
        Integers (n,): of all examples, or of those at `positions`.
    batch_size, seed : int
        As in `tlbook.training.Batches`.
    alternate : bool
        Each example begins in a view drawn at random and takes the next one every epoch: of two views it is seen in
        each every second epoch. Drawn anew each time instead, one picture in eight is seen one way only in four epochs.
    shift : int
        Features move by up to so many whole cells, up or down and left or right, drawn for each example anew. One cell
        of `block2_pool` is four pixels.
    padding : str
        What comes in at the side: "zero", or "edge", the cells there once more.
    positions : numpy.ndarray, optional
        Which examples; by default all.

    Raises `ValueError` for another padding, a shift of features without places, or lengths that disagree. Source:
    Jordan (2024) for the alternating views. Taught in chapter 4.6.
    """

    def __init__(
        self, prefixed, labels, batch_size=64, seed=0, alternate=True, shift=0, padding="edge", positions=None
    ):
        """Draw the first epoch's order, views and shifts."""
        if padding not in ("zero", "edge"):
            raise ValueError(f"padding: got {padding!r}, expected 'zero' or 'edge'")
        if shift and prefixed.arrays.ndim != 5:
            raise ValueError(f"shift: got {shift}, expected 0 for features {prefixed.arrays.shape[2:]} without places")
        self.alternate, self.shift, self.padding, self.epoch, self.first = alternate, shift, padding, 0, None
        self.positions = np.arange(prefixed.arrays.shape[1]) if positions is None else np.asarray(positions)
        if len(self.positions) != len(labels):
            raise ValueError(f"labels: got {len(labels)}, expected one for each of {len(self.positions)} examples")
        views = [_Rows(view, self.positions) for view in prefixed.arrays]
        super().__init__(views, np.asarray(labels), batch_size, seed)

    def on_epoch_end(self):
        """Draw the next epoch's order, views and shifts."""
        super().on_epoch_end()
        if self.alternate:
            self.first = self.choice if self.first is None else self.first
            self.choice = (self.first + self.epoch) % len(self.variants)
        self.epoch += 1
        self.moves = self.rng.integers(-self.shift, self.shift + 1, size=(len(self.labels), 2))

    def __getitem__(self, index):
        """Return batch `index` of this epoch."""
        inputs, labels = super().__getitem__(index)
        if self.shift:
            chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
            inputs = shifted(inputs, self.moves[chosen], self.padding)
        return inputs, labels


class _Rows:
    """Some rows of a memory map, which are read when they are asked for."""

    def __init__(self, array, positions):
        self.array, self.positions, self.shape = array, positions, (len(positions), *array.shape[1:])

    def __getitem__(self, chosen):
        return self.array[self.positions[chosen]]


def shifted(maps, moves, padding="edge"):
    """Return features (n, rows, columns, channels), each moved by whole cells.

    `moves` (n, 2) says how many cells down and to the right; "edge" repeats the cells at the side, "zero" brings in
    zeros. Where the prefix pools by p pixels, that is nearly what it makes of the picture moved by p pixels a cell.
    Taught in chapter 4.6.

    >>> shifted(np.array([[[[1], [2], [3]]]]), np.array([[0, 1]])).ravel()
    array([1, 1, 2])
    """
    most = int(np.abs(moves).max(initial=0))
    mode = {"mode": "edge"} if padding == "edge" else {}
    padded = np.pad(maps, ((0, 0), (most, most), (most, most), (0, 0)), **mode)
    height, width = maps.shape[1:3]
    corners = zip(padded, most - np.asarray(moves), strict=True)
    return np.stack([one[top : top + height, left : left + width] for one, (top, left) in corners])


def join(prefix, suffix, name="joined"):
    """Return one model that does what the prefix and then the suffix do; it shares the layers of both.

    With a cache in float32 it predicts what the parts did; with one in float16, nearly. Raises `ValueError` where the
    suffix does not take what the prefix makes. Taught in chapter 4.6.
    """
    if prefix.output_shape[1:] != suffix.input_shape[1:]:
        raise ValueError(f"suffix: it takes {suffix.input_shape[1:]}, expected {prefix.output_shape[1:]}")
    return keras.Model(prefix.input, suffix(prefix.output), name=name)
