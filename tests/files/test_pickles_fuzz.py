"""Pickles that nobody wrote: whatever comes in, plain data or an `UnpicklingError` come out, soon and within memory.

`FUZZ_EXAMPLES=20000 pytest tests/files/test_pickles_fuzz.py` looks longer than the 2,000 examples of every day.
"""

import os
import pickle
import time

import numpy as np
import pytest
from checkpoints import legacy, mapping, name, pid, plain, tensor, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlbook.files import checkpoints, pickles

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2000")) // 4
PATIENCE_S = 1.0  # of processor time: an example takes a millisecond
MEMORY_MB = 300
fuzz = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES <= 500)
fuzz = settings(fuzz, suppress_health_check=list(HealthCheck))

ARRAYS = [
    pickle.dumps({b"data": np.arange(48, dtype="u1").reshape(2, 24), b"labels": [3, 1]}, protocol)
    for protocol in (2, 3, 4, 5)
]
CHECKPOINTS = [write(mapping(a=tensor(), b=tensor(shape=(3, 4), strides=(4, 1)))) for write in (legacy, zipped)]
FRAGMENTS = [
    *(bytes([code]) for code in range(256)),
    *(name(*parts) for parts in [("numpy", "dtype"), ("numpy", "ndarray"), ("collections", "OrderedDict")]),
    *(name(*parts) for parts in [("numpy.core.multiarray", "_reconstruct"), ("torch._utils", "_rebuild_tensor_v2")]),
    *(name(*parts) for parts in [("torch", "FloatStorage"), ("builtins", "getattr"), ("os", "system")]),
    *(plain(thing) for thing in [0, 1, -1, 2**31, 2**63, 1.5, "u1", "O8", "x", b"\0" * 8, (1, 2), (0,), None, True]),
    *(plain(thing) for thing in [[1], {"a": 1}, {"_metadata": {}}, (3, "|", None, None, None, -1, -1, 0)]),
    *(
        b"q\x00",
        b"h\x00",
        b"r\xff\xff\xff\x7f",
        b"j\xff\xff\xff\x7f",
        b"\x94",
        b"\x8b\xff\xff\xff\x7f",
        b"B\xff\xff\xff\x7f",
    ),
    *(
        pid("storage", None, "0", "cpu", 12),
        tensor(),
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R",
    ),
]


@pytest.fixture(autouse=True, scope="module")
def memory_is_capped():
    """Let an allocation beyond the cap fail; what a reader makes of the failure would show in its message."""
    resource = pytest.importorskip("resource")
    psutil = pytest.importorskip("psutil")
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_MB * 2**20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def plain_data(thing):
    """Whether something read is plain arrays, numbers, texts, lists and dicts, through and through."""
    waiting = [thing]
    while waiting:
        item = waiting.pop()
        if isinstance(item, np.ndarray):
            if type(item) is not np.ndarray or item.dtype.kind not in "biufc" or item.dtype.fields:
                return False
            item.sum()  # reads every number: memory that is not there would crash here
        elif type(item) in (list, tuple):
            waiting += item
        elif type(item) is dict:
            waiting += [*item, *item.values()]
        elif type(item) not in (int, float, bool, str, bytes, type(None)):
            return False
    return True


def holds(read, content):
    start = time.process_time()
    try:
        assert plain_data(read(content))
    except pickle.UnpicklingError as error:
        assert "MemoryError" not in str(error) and "RecursionError" not in str(error) and len(str(error)) < 2000
    assert time.process_time() - start < PATIENCE_S


def spoilt(draw, content):
    """A file with some of its bytes changed, left out, repeated, or taken from elsewhere in it."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.integers(0, 12))
        match draw(st.integers(0, 4)):
            case 0:
                content[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del content[at : at + length]
            case 2:
                content[at:at] = content[at : at + length]
            case 3:
                content[at : at + draw(st.integers(0, 4))] = draw(st.sampled_from(FRAGMENTS))
            case 4:
                there = draw(st.integers(0, max(len(content) - 1, 0)))
                content[at : at + length] = content[there : there + length]
    return bytes(content)


@fuzz
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30), st.sampled_from([2, 4]), st.sampled_from(["ascii", "bytes"]))
def test_opcodes_at_random_as_arrays(opcodes, protocol, encoding):
    holds(
        lambda content: pickles.read_arrays(content, encoding), b"\x80" + bytes([protocol]) + b"".join(opcodes) + b"."
    )


@fuzz
@given(st.data())
def test_spoilt_files_as_arrays(data):
    holds(pickles.read_arrays, spoilt(data.draw, data.draw(st.sampled_from(ARRAYS))))


@fuzz
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30), st.sampled_from([legacy, zipped]))
def test_opcodes_at_random_as_checkpoints(opcodes, write):
    holds(checkpoints.read_checkpoint, write(b"".join(opcodes)))
    holds(checkpoints.read_tensors, write(b"".join(opcodes)))


@fuzz
@given(st.data())
def test_spoilt_files_as_checkpoints(data):
    holds(checkpoints.read_tensors, spoilt(data.draw, data.draw(st.sampled_from(CHECKPOINTS))))
