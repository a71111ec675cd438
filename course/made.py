"""What a submission hands over: arrays and a report, in a file that cannot run anything when it is read.

The file is an uncompressed `.npz` without pickles. The report, plain JSON, lies in it as bytes. `course.perform` writes
it inside the cell of the submission, and `course.check` reads it outside.
"""

import json
import zipfile

import numpy as np

PLAIN = "biufU"  # truths, integers, floats, words: the kinds of arrays that hold no objects
REPORT = "report.json"
LARGEST = 64 << 20  # bytes


class NotPlain(ValueError):
    """Something that is no file of a submission, or holds what is not plain."""


def plain(name, value):
    """Return a value as an array of numbers or words. Raises `NotPlain` for anything else."""
    try:
        array = np.asarray(value)
    except Exception as error:
        raise NotPlain(f"{name}: {type(error).__name__} when it was read as an array") from None
    if type(array) is not np.ndarray or array.dtype.kind not in PLAIN:
        raise NotPlain(f"{name}: got {type(value).__name__}, expected numbers or words, or arrays of them")
    return array


def write(path, arrays, report):
    """Write arrays, a dict from names to values, and a report that JSON can hold."""
    packed = {name: plain(name, value) for name, value in arrays.items()}
    packed[REPORT] = np.frombuffer(json.dumps(report).encode(), "uint8")
    with open(path, "wb") as file:
        np.savez(file, **packed)


def read(path):
    """Return the arrays, a dict, and the report. Trust nothing in the file; raises `NotPlain` for what does not fit."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise NotPlain("a compressed part: it could unfold to any size")
            if sum(entry.file_size for entry in entries) > LARGEST or len(entries) > 10_000:
                raise NotPlain(f"more than {LARGEST >> 20} MB")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: plain(name, file[name]) for name in file.files}
        report = json.loads(bytes(arrays.pop(REPORT)))
    except NotPlain:
        raise
    except Exception as error:  # whatever a damaged or a made-up file leads to
        raise NotPlain(f"{type(error).__name__}: {error}") from None
    if not isinstance(report, dict):
        raise NotPlain(f"report: got {type(report).__name__}, expected a dict")
    return arrays, report
