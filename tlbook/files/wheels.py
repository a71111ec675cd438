"""Wheels, read as data: what is in one, and what of it could run."""

import base64
import csv
import email
import hashlib
import io
import zipfile

import pandas as pd

from tlbook.files.archives import read_member, reading

# What reading or installing a file of this ending can do. Everything else is reported as unknown.
CODE = (".py", ".so", ".pyd", ".dll", ".dylib", ".sh", ".pth", "entry_points.txt")  # a .pth line runs at every start
RUNS_WHEN_READ = (".pkl", ".pickle", ".joblib", ".pt", ".ckpt", ".bin", ".npy", ".keras", ".h5")
DATA = (".onnx", ".safetensors", ".weights.h5", ".json", ".txt", ".md", ".csv", ".typed", "/METADATA", "/RECORD")
DATA += ("/WHEEL", "/LICENSE", "/NOTICE")
_LARGEST_TEXT = 1_000_000  # bytes


def contents(path):
    """List what is in a wheel without unpacking it: a DataFrame of `name`, `bytes` and `kind`.

    `kind` is "code" (runs when imported or started), "can run code" (a format that may, with a careless reader: a
    pickle, or a whole Keras model with a `Lambda` layer), "data" (cannot), or "unknown". The ending alone tells it.

    Raises `ValueError` where the file is no archive. Taught in chapter 5.11.
    """
    with reading(path, "a wheel"), zipfile.ZipFile(path) as wheel:
        rows = [(item.filename, item.file_size, _kind(item.filename)) for item in wheel.infolist() if not item.is_dir()]
    return pd.DataFrame(rows, columns=["name", "bytes", "kind"])


def _kind(name):
    # The longest ending decides: `.weights.h5` holds arrays, `.h5` may hold a whole model.
    kinds = {"code": CODE, "can run code": RUNS_WHEN_READ, "data": DATA}
    found = [(len(ending), kind) for kind, endings in kinds.items() for ending in endings if name.endswith(ending)]
    return max(found)[1] if found else "unknown"


def text(path, ending):
    """Return the text of the one file in a wheel whose name ends with `ending`. It is read, never run.

    Raises `ValueError` where no file or more than one has that ending, or it is larger than a megabyte or no text.
    """
    with reading(path, "a wheel"), zipfile.ZipFile(path) as wheel:
        found = [item for item in wheel.infolist() if item.filename.endswith(ending)]
    if len(found) != 1:
        raise ValueError(f"ending: {ending!r} fits {[item.filename for item in found]}, expected one file")
    name, size = found[0].filename, found[0].file_size
    if size > _LARGEST_TEXT:
        raise ValueError(f"{name}: got {size:,} bytes, expected {_LARGEST_TEXT:,} at most")
    with reading(path, "a wheel"), zipfile.ZipFile(path) as wheel:
        return read_member(wheel, name, _LARGEST_TEXT).decode("utf-8")


def metadata(path):
    """Return what a wheel says about itself as a dict: name, version, summary, licence and what it requires.

    A field that is missing is an empty string. Raises `ValueError` where the file is no wheel.
    """
    message = email.message_from_string(text(path, ".dist-info/METADATA"))
    fields = ("Name", "Version", "Summary", "License", "License-Expression", "Requires-Python")
    return {field: message.get(field, "") for field in fields} | {"Requires-Dist": message.get_all("Requires-Dist", [])}


def unrecorded(path):
    """Return the names of files in a wheel that differ from what its RECORD promises, or that it does not name.

    RECORD holds a SHA-256 for each file (PEP 376, PEP 427). An empty list means that nobody changed a file *without*
    changing RECORD as well: it guards against damage, not against a clever thief. Raises `ValueError` for no wheel.
    """
    record = csv.reader(io.StringIO(text(path, ".dist-info/RECORD")))
    with reading(path, "a wheel"), zipfile.ZipFile(path) as wheel:
        promised, found = {row[0]: row[1] for row in record if row}, {}
        for item in wheel.infolist():
            if not item.is_dir() and not item.filename.endswith(".dist-info/RECORD"):  # it cannot hold its own hash
                with wheel.open(item) as file:
                    digest = hashlib.file_digest(file, "sha256").digest()
                found[item.filename] = "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    missing = [name for name in promised if name not in found and not name.endswith(".dist-info/RECORD")]
    return sorted([name for name, digest in found.items() if promised.get(name) != digest] + missing)
