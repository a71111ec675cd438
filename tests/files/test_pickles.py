"""Restricted unpickling: what an unpickler for arrays gives back, and what it refuses before it can run."""

import pickle
import time

import numpy as np
import pytest
from checkpoints import FORBIDDEN, OPCODES, Touch, asking_for, plain

from tlbook.files import pickles


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_payload_does_not_run(tmp_path, protocol):
    payload = pickle.dumps(Touch(tmp_path / "owned"), protocol)
    with pytest.raises(pickle.UnpicklingError, match="it wants .* not allowed: arrays and numbers only"):
        pickles.read_arrays(payload)
    assert not (tmp_path / "owned").exists()
    pickle.loads(payload)
    assert (tmp_path / "owned").exists(), "an ordinary unpickler would have run it"


@pytest.mark.parametrize("forbidden", FORBIDDEN)
@pytest.mark.parametrize("opcode", OPCODES)
def test_nothing_else_is_allowed(forbidden, opcode):
    with (
        asking_for(forbidden, opcode) as opcodes,
        pytest.raises(
            pickle.UnpicklingError,
            match=f"it wants {forbidden}, which is not allowed|it has the step (INST|EXT1), which is not allowed",
        ),
    ):
        pickles.read_arrays(b"\x80\x04" + opcodes + b".")


@pytest.mark.parametrize("dtype", ["uint8", "<f4", "int64"])
def test_arrays(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for protocol in (3, 4):  # in 2, bytes need a function; 5 keeps arrays by another one
        content = pickle.dumps({"a": array, "b": [1, "x", b"y"]}, protocol)
        found = pickles.read_arrays(content)
        assert np.array_equal(found["a"], array) and found["a"].dtype == dtype and found["b"] == [1, "x", b"y"]


def python2(array, key=b"data"):
    """A batch of CIFAR-10 as Python 2 pickled it: strings of bytes, and memo numbers from 1 on."""
    order, code = array.dtype.byteorder, array.dtype.str[1:].encode()
    order = {"=": "<"}.get(order, order).encode()
    content = array.tobytes(order="A")
    opcodes = (
        b"}q\x01U" + bytes([len(key)]) + key + b"q\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
    )
    opcodes += b"q\x04K\x00\x85U\x01b\x87R(K\x01" + pickle.dumps(array.shape, 2)[2:-1] + b"cnumpy\ndtype\nU"
    opcodes += (
        bytes([len(code)])
        + code
        + b"K\x00K\x01\x87R(K\x03U\x01"
        + order
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    opcodes += b"\x89T" + len(content).to_bytes(4, "little") + content + b"tbs"
    return b"\x80\x02" + opcodes + b"."


@pytest.mark.parametrize("dtype", ["uint8", "<f4", ">i2", "bool"])
def test_arrays_of_python_2(dtype):
    array = (np.arange(300) % 7).reshape(3, 100).astype(dtype)
    found = pickles.read_arrays(python2(array), encoding="bytes")
    assert list(found) == [b"data"] and found[b"data"].dtype == dtype
    np.testing.assert_array_equal(found[b"data"], array)
    np.testing.assert_array_equal(pickle.loads(python2(array), encoding="bytes")[b"data"], array)


def test_fortran_order_and_read_only_views():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    found = pickles.read_arrays(pickle.dumps(array, 4))
    np.testing.assert_array_equal(found, array)
    assert found.flags.f_contiguous and not found.flags.writeable


def described(code="u1", shape=(8,), content=bytes(8), fortran=False, before=b"", after=b"", dtype_state=None, times=1):
    """The opcodes of an array, with others before and after its state is set."""
    state = (3, "|", None, None, None, -1, -1, 0) if dtype_state is None else dtype_state
    dtype = b"cnumpy\ndtype\n" + plain(code) + b"\x89\x88\x87R" + b"r\x00\x01\x00\x00" + plain_tuple(*state) + b"b"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
    state = (
        b"(K\x01" + plain(shape) + dtype + plain(fortran) + b"B" + len(content).to_bytes(4, "little") + content + b"t"
    )
    return b"\x80\x03" + before + array + (state + b"b") * times + after + b"."


def plain_tuple(*parts):
    return b"(" + b"".join(plain(part) for part in parts) + b"t"


def test_what_is_built_opcode_by_opcode_is_read_once():
    assert pickles.read_arrays(described()).tolist() == [0] * 8
    with pytest.raises(pickle.UnpicklingError, match="it sets the state of"):
        pickles.read_arrays(described(times=2))


def test_a_dtype_cannot_grow_under_its_array():
    """NumPy's own `__setstate__` would enlarge the numbers of an array that is made already, and read beyond."""
    larger = b"(" + b"j\x00\x01\x00\x00" + plain_tuple(3, "|", None, None, None, 60_000, 1, 0) + b"b" + b"0"
    for state in (b"1", larger):
        with pytest.raises(pickle.UnpicklingError):
            pickles.read_arrays(described(after=state))
    for wrong in ((3, "|", None, None, None, 60_000, 1, 0), (3, "|", None, None, None, -1, -1, 63)):
        with pytest.raises(pickle.UnpicklingError, match="it sets the state of"):
            pickles.read_arrays(described(dtype_state=wrong))
        twice = b"j\x00\x01\x00\x00" + plain_tuple(*wrong) + b"b0"
        with pytest.raises(pickle.UnpicklingError, match="it sets the state of"):
            pickles.read_arrays(described(after=twice))


@pytest.mark.parametrize("code", ["O8", "O", "V8", "U2", "M8", "S8", "u3", "f80", "", "u1,u1", 3, None])
def test_only_numbers_make_arrays(code):
    with pytest.raises(pickle.UnpicklingError, match="it has an array of .*, expected numbers"):
        pickles.read_arrays(described(code=code))


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": (9,)},
        {"shape": (-8,)},
        {"shape": ("8",)},
        {"shape": (2**62, 2**62)},
        {"code": "f8", "shape": (8,)},
        {"shape": (0, 2**70), "content": b""},
        {"shape": (1,) * 20 + (8,) + (True,)},
    ],
)
def test_shapes_that_do_not_fit_their_bytes(wrong):
    with pytest.raises(pickle.UnpicklingError, match="it has .*shape"):
        pickles.read_arrays(described(**wrong))


def test_an_array_that_is_never_completed():
    bare = b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R."
    with pytest.raises(pickle.UnpicklingError, match="shape None, which it does not complete"):
        pickles.read_arrays(bare)


def test_one_array_in_many_places_costs_its_memory_once():
    content = pickle.dumps([np.zeros(1_000_000)], 4)[:-1] + b"0"  # in the memo, and gone from the stack
    memo = next(n for n in range(99) if reads(content + b"h" + bytes([n]) + b"."))
    many = pickles.read_arrays(content + b"](" + (b"h" + bytes([memo])) * 10_000 + b"e.")
    assert len(many) == 10_000 and len({array.__array_interface__["data"][0] for array in many}) == 1


def reads(content):
    try:
        return isinstance(pickles.read_arrays(content), np.ndarray)
    except pickle.UnpicklingError:
        return False


@pytest.mark.parametrize(
    ("opcodes", "message"),
    [
        (b"]" * 400 + b"a" * 399, "more than 100 deep"),
        (b")" + b"\x85" * 1_000_000, "three deep"),
        (b"(" + b"K\x01" * 40 + b"t", "a tuple of 40 parts"),
        (b"N0" * 200_000 + b"N", "more than 300,000 steps"),
        (b"\x8b\x00\x10\x00\x00" + bytes(4096)[:-1] + b"\x01", "an integer of 32,761 bits"),
        (b"}" + plain(2**70) + b"Ns", "it has the key"),
        (b"}" + plain((1, 2)) + b"Ns", "it has the key"),
        (b"}G" + bytes(8) + b"Ns", "it has the key"),
        (b"\x8f", "it has the step EMPTY_SET"),
        (b"I1\n", "it has the step INT"),
        (b"]]q\x00(h\x00h\x00e", "it is damaged|stands in the file twice"),
        (b"K\x01K\x02a", "it appends to"),
        (b"K\x01K\x02K\x03s", "it sets items of"),
        (b"(K\x01R", "it is damaged"),
        (b"a", "it is damaged"),
        (b"h\x07", "it is damaged"),
        (b"NN", "it is damaged"),
        (b"", "it is damaged"),
        (b"K\x01)R", "it calls 1 with"),
        (b"cnumpy\nndarray\n)R", "it calls 'numpy.ndarray'"),
        (b"cnumpy\ndtype\n]R", "it calls something it may call"),
    ],
)
def test_depth_work_and_sizes_are_capped(opcodes, message):
    start = time.process_time()
    with pytest.raises(pickle.UnpicklingError, match=message):
        pickles.read_arrays(b"\x80\x03" + opcodes + b".")
    assert time.process_time() - start < 5, "a hang; a second is what a slow laptop may take"
