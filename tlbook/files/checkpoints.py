"""PyTorch's checkpoints, read without PyTorch and without running anything of them: see `tlbook.files.unpickling`."""

import io
import math
import pathlib
import pickle
import struct
import zipfile
from dataclasses import dataclass

import numpy as np

from tlbook.files.unpickling import Machine, brief

_MAGIC = 0x1950A86A20F9469CFC6C  # how torch.save began a file before its version 1.6
_DTYPES = {"HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8", "ByteStorage": "<u1"}
_LONGEST_NAME = 1000  # of a tensor, all levels: names are repeated for everything below them
_DTYPES |= {"CharStorage": "<i1", "ShortStorage": "<i2", "IntStorage": "<i4", "LongStorage": "<i8"}


@dataclass(frozen=True)
class _Storage:
    """A run of numbers that the file keeps outside the pickle."""

    dtype: str
    key: str
    numel: int


@dataclass(frozen=True)
class _Tensor:
    """Where in a storage a tensor's numbers lie, counted in elements."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


def _rebuilt(storage, offset, shape, strides, requires_grad=False, hooks=None, metadata=None):
    """Stand in for `torch._utils._rebuild_tensor_v2`: note where a tensor lies, and touch no memory."""
    found = f"a tensor with offset {brief(offset)}, shape {brief(shape)} and strides {brief(strides)}"
    if not isinstance(storage, _Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise pickle.UnpicklingError(f"it has {found}, which is no description of a tensor")
    if not all(type(number) is int and number >= 0 for number in (offset, *shape, *strides)):
        raise pickle.UnpicklingError(f"it has {found}: expected integers of 0 or more")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    # The first test keeps a view inside its storage; the second keeps a stride of 0 from making much of little.
    if 0 not in shape and (last >= storage.numel or math.prod(shape) > storage.numel):
        raise pickle.UnpicklingError(f"it has {found}, which leaves its storage of {storage.numel} numbers")
    return _Tensor(storage, offset, shape, strides)


class _TensorsOnly(Machine):
    """Builds dicts, lists, numbers, strings and descriptions of tensors, and nothing else."""

    names = {
        ("collections", "OrderedDict"): lambda: {},
        ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
        **{("torch", name): dtype for name, dtype in _DTYPES.items()},
    }
    described = _Tensor
    only = "tensors and numbers only"

    def persistent(self, identity):
        """Return the `_Storage` that a persistent id describes. Raises `UnpicklingError` where it does not."""
        match identity:
            case ("storage", str(dtype), str(key), str(), int(numel), *views) if (
                dtype in _DTYPES.values() and key.isascii() and key.isdigit() and numel >= 0 and views in ([], [None])
            ):
                return _Storage(dtype, key, numel)
        raise pickle.UnpicklingError(f"it has the persistent id {brief(identity)}, which is not a plain storage")

    def build(self, thing, state):
        """Leave out the versions of layers, which a state dict carries as an attribute."""
        if type(thing) is not dict or type(state) is not dict or set(state) != {"_metadata"}:
            super().build(thing, state)


def read_checkpoint(file):
    """Read what `torch.save` wrote, without PyTorch: the saved object, with its tensors as NumPy arrays.

    Parameters
    ----------
    file : bytes or path
        A checkpoint, in the zip format (PyTorch 1.6 and later) or the one before.

    Returns
    -------
    object
        Dicts, lists, numbers, strings and None. Arrays are read-only views of the file's bytes, little-endian, in
        the tensor's shape and dtype (float16 to float64, int8 to int64, uint8): many tensors on one storage cost
        its memory once.

    Raises
    ------
    pickle.UnpicklingError
        Where the file wants a name that is not allowed, a tensor leaves its storage, a container holds itself, or the
        file is damaged or no checkpoint. Nothing of it has run.

    Source: the format as `torch/serialization.py` writes it. Taught in chapter 5.8.
    """
    content = bytes(file) if isinstance(file, bytes | bytearray) else pathlib.Path(file).read_bytes()
    try:
        root, storages = (_read_zip if content[:4] == b"PK\x03\x04" else _read_legacy)(content)
        return _resolve(root, storages)[0]
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything: IndexError, UnicodeDecodeError, ...
        raise pickle.UnpicklingError(f"it is no checkpoint, or damaged: {type(error).__name__}: {error}") from error


def read_tensors(file):
    """Return the tensors of a checkpoint as a flat dict of str to `numpy.ndarray`: nested names are joined by "/".

    All else (the step, the optimizer's settings) is left out. For `file`, the arrays and the errors see
    `read_checkpoint`. Taught in chapter 5.8.
    """
    tensors, waiting = {}, [("", read_checkpoint(file))]
    while waiting:
        prefix, item = waiting.pop()
        if isinstance(item, dict | list):
            if len(prefix) > _LONGEST_NAME:
                raise pickle.UnpicklingError(f"it has a name of more than {_LONGEST_NAME} characters")
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            waiting += reversed([(f"{prefix}/{name}" if prefix else f"{name}", value) for name, value in pairs])
        elif isinstance(item, np.ndarray):
            if prefix in tensors:
                raise pickle.UnpicklingError(f"two tensors have the name {prefix}")
            tensors[prefix] = item
    return tensors


def tensor(tensors, name, *shape):
    """Return one array of `read_tensors`, float32 of a shape.

    Raises `ValueError` where it is missing, has another shape or dtype, or is not finite. Taught in chapter 5.8.
    """
    array = tensors.get(name)
    if array is None:
        raise ValueError(f"tensors: {name} is missing; got {sorted(tensors)[:20]}")
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(f"{name}: got {array.dtype} {array.shape}, expected float32 {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got numbers that are not finite (NaN or infinity)")
    return array


def _read_legacy(content):
    """Return the object and its storages: four pickles, a list of keys, and then the numbers, key by key."""
    stream = io.BytesIO(content)
    magic, version, system = (_TensorsOnly().run(stream) for _ in range(3))
    if magic != _MAGIC or version != 1001 or system["little_endian"] is not True:
        raise pickle.UnpicklingError(f"it is no checkpoint: it begins with {brief(magic)}")
    root, keys = [_TensorsOnly().run(stream)], _TensorsOnly().run(stream)
    itemsizes = {storage.key: np.dtype(storage.dtype).itemsize for storage in _storages(root)}
    storages = {}
    for key in keys:
        (numel,) = struct.unpack("<q", stream.read(8))
        size, start = numel * itemsizes[key], stream.tell()
        if not 0 <= size <= len(content) - start:
            raise pickle.UnpicklingError(f"storage {key} should have {size} bytes, {len(content) - start} are left")
        storages[key] = memoryview(content)[start : start + size]
        stream.seek(size, io.SEEK_CUR)
    if stream.tell() != len(content):
        raise pickle.UnpicklingError(f"{len(content) - stream.tell()} bytes are left behind its last storage")
    return root, storages


def _read_zip(content):
    """Return the object and its storages: data.pkl, and beside it one member for each storage."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member.filename: member for member in archive.infolist()}
        # torch.save never compresses, and members that are compressed or overlap can unpack to far more than the file.
        compressed = any(member.compress_type != zipfile.ZIP_STORED for member in members.values())
        if compressed or sum(member.file_size for member in members.values()) > len(content):
            raise pickle.UnpicklingError("its members are compressed or overlap, which torch.save never does")
        (name,) = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
        folder = name.removesuffix("data.pkl")
        if f"{folder}byteorder" in members and archive.read(f"{folder}byteorder") != b"little":
            raise pickle.UnpicklingError("its numbers are not little-endian")
        root = [_TensorsOnly().run(io.BytesIO(archive.read(name)))]
        keys = {storage.key for storage in _storages(root)}
        return root, {key: memoryview(archive.read(f"{folder}data/{key}")) for key in keys}


def _storages(root):
    return [item.storage for _, _, item in _TensorsOnly().walk(root) if isinstance(item, _Tensor)]


def _resolve(root, storages):
    """Put an array in the place of each tensor's description, after a last look at the size of its storage."""
    for container, key, item in _TensorsOnly().walk(root):
        if isinstance(item, _Tensor):
            container[key] = _array(item, storages[item.storage.key])
    return root


def _array(tensor, numbers):
    dtype, shape = np.dtype(tensor.storage.dtype), tensor.shape
    if len(numbers) != tensor.storage.numel * dtype.itemsize:
        raise pickle.UnpicklingError(
            f"storage {tensor.storage.key} has {len(numbers)} bytes, not {tensor.storage.numel} numbers of {dtype}"
        )
    if 0 in shape:
        return np.zeros(shape, dtype)
    flat = np.frombuffer(numbers, dtype)[tensor.offset :]
    strides = [stride * dtype.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(flat, shape, strides, writeable=False)
