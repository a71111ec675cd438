"""Restricted unpickling: NumPy arrays out of pickle files that cannot run anything.

A pickle is a program. It may name any function of any installed package and call it with any argument; that is how
it rebuilds objects, and how a file of weights can delete a folder. The unpicklers here know a few names and refuse
all others *before* anything is called.

What remains: a small file can still ask for much memory (a memo with a huge index, a million nested lists). So check
its SHA-256 first, as `tlbook.files.sources` does, and prefer formats that hold numbers and cannot hold programs:
safetensors for weights, `.npz` without objects for arrays.
"""

import pickle

import numpy as np


class Restricted(pickle.Unpickler):
    """An unpickler that knows the names in `allowed`, a dict from (module, name) to a stand-in, and no others."""

    allowed = {}
    only = "numbers and strings only"

    def find_class(self, module, name):
        """Return one of the allowed stand-ins. Raises `UnpicklingError` for any other name."""
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it wants {module}.{name}, which is not allowed: {self.only}")
        return self.allowed[module, name]


class ArraysOnly(Restricted):
    """An unpickler that builds NumPy arrays, numbers, strings, bytes, lists and dicts, and nothing else.

    >>> import io
    >>> ArraysOnly(io.BytesIO(pickle.dumps({"labels": np.array([3, 1])}, protocol=4))).load()
    {'labels': array([3, 1])}
    >>> ArraysOnly(io.BytesIO(pickle.dumps(print))).load()
    Traceback (most recent call last):
    _pickle.UnpicklingError: it wants builtins.print, which is not allowed: arrays and numbers only
    """

    allowed = {
        # The module has moved in NumPy 2, and files older than that name the old one.
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }
    only = "arrays and numbers only"
