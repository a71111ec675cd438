"""NumPy arrays out of pickle files, read as data: nothing that a file says is run, see `tlbook.files.unpickling`.

Still prefer formats that hold numbers and cannot hold programs: safetensors for weights, `.npz` without objects for
arrays.
"""

import io
import math
import pickle
from dataclasses import dataclass

import numpy as np

from tlbook.files import unpickling


@dataclass(eq=False, repr=False)
class _Array:
    """What a file says of an array, in the end all of it."""

    shape: tuple = None
    dtype: "_Dtype" = None
    fortran: bool = None
    content: bytes = None


@dataclass(eq=False, repr=False)
class _Dtype:
    """What a file says of a dtype: a code, and the order of the bytes."""

    code: str
    order: str = "="


_CODES = {np.dtype(code).str[1:] for code in "?bhilqBHILQefdFD"}


class _ArraysOnly(unpickling.Machine):
    described = _Array
    only = "arrays and numbers only"

    def build(self, thing, state):
        """Complete an array or a dtype as NumPy's `__reduce__` describes them."""
        match thing, state:
            case _Array(content=None), (1, tuple(shape), _Dtype() as dtype, bool(fortran), bytes(content)):
                thing.shape, thing.dtype, thing.fortran, thing.content = shape, dtype, fortran, content
            case _Dtype(order="="), (3 | 4, order, None, None, None, -1, -1, 0) if _text(order) in ("<", ">", "|"):
                thing.order = _text(order)
            case _:
                super().build(thing, state)


def _described_dtype(code, align, copy):
    if _text(code) not in _CODES:
        raise pickle.UnpicklingError(f"it has an array of {unpickling.brief(code)}, expected numbers")
    return _Dtype(_text(code))


def _text(thing):
    """Return a short text, which is bytes where Python 2 wrote it, as a string; None for anything else."""
    return thing.decode("latin-1") if type(thing) is bytes else thing if type(thing) is str else None


# The module has moved in NumPy 2, and files older than that name the old one.
_ArraysOnly.names = {
    ("numpy.core.multiarray", "_reconstruct"): lambda kind, shape, code: _Array(),
    ("numpy._core.multiarray", "_reconstruct"): lambda kind, shape, code: _Array(),
    ("numpy", "ndarray"): "numpy.ndarray",
    ("numpy", "dtype"): _described_dtype,
}


def read_arrays(content, encoding="ascii"):
    """Read a pickle of NumPy arrays, numbers, strings, bytes, lists and dicts, and of nothing else.

    Parameters
    ----------
    content : bytes
        The file. Its arrays are of booleans, integers, floats or complex numbers, as protocols 2 to 4 hold them.
    encoding : str
        That of strings which Python 2 wrote; "bytes" leaves them as they are.

    Arrays are read-only views of the file's bytes: many arrays of the same bytes cost their memory once. Raises
    `pickle.UnpicklingError` for anything else; nothing of the file has run then.

    >>> read_arrays(pickle.dumps({"labels": np.array([3, 1])}, protocol=4))
    {'labels': array([3, 1])}
    >>> read_arrays(pickle.dumps(print))
    Traceback (most recent call last):
    _pickle.UnpicklingError: it wants builtins.print, which is not allowed: arrays and numbers only
    """
    machine = _ArraysOnly()
    root = [machine.run(io.BytesIO(content), encoding)]
    for container, key, item in machine.walk(root):
        if isinstance(item, _Array):
            container[key] = _array(item)
    return root[0]


def _array(described):
    """Return the array that a complete description describes."""
    shape, dtype, content = described.shape, described.dtype, described.content
    if content is None or not all(type(size) is int and size >= 0 for size in shape):
        raise pickle.UnpicklingError(f"it has an array of shape {unpickling.brief(shape)}, which it does not complete")
    numbers = np.dtype(f"{dtype.order}{dtype.code}")
    if math.prod(shape) * numbers.itemsize != len(content):
        raise pickle.UnpicklingError(f"it has {len(content)} bytes for {numbers} of shape {unpickling.brief(shape)}")
    try:
        return np.frombuffer(content, numbers).reshape(shape, order="F" if described.fortran else "C")
    except (ValueError, OverflowError) as error:  # beside a size of 0, another may be larger than any array
        raise pickle.UnpicklingError(f"it has an array of shape {unpickling.brief(shape)}: {error}") from error
