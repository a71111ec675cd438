"""Restricted unpickling: what an unpickler for arrays gives back, and what it refuses before it can run."""

import io
import pickle

import numpy as np
import pytest
from checkpoints import FORBIDDEN, OPCODES, Touch, asking_for

from tlbook.files import pickles


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_payload_does_not_run(tmp_path, protocol):
    payload = pickle.dumps(Touch(tmp_path / "owned"), protocol)
    with pytest.raises(pickle.UnpicklingError, match="it wants .* not allowed: arrays and numbers only"):
        pickles.ArraysOnly(io.BytesIO(payload)).load()
    assert not (tmp_path / "owned").exists()
    pickle.loads(payload)
    assert (tmp_path / "owned").exists(), "an ordinary unpickler would have run it"


@pytest.mark.parametrize("forbidden", FORBIDDEN)
@pytest.mark.parametrize("opcode", OPCODES)
def test_nothing_else_is_allowed(forbidden, opcode):
    with (
        asking_for(forbidden, opcode) as opcodes,
        pytest.raises(pickle.UnpicklingError, match=f"it wants {forbidden}, which is not allowed"),
    ):
        pickles.ArraysOnly(io.BytesIO(b"\x80\x04" + opcodes + b".")).load()


@pytest.mark.parametrize("dtype", ["uint8", "<f4", "int64"])
def test_arrays(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for protocol in (3, 4):  # in 2, bytes need a function; 5 keeps arrays by another one
        content = pickle.dumps({"a": array, "b": [1, "x", b"y"]}, protocol)
        found = pickles.ArraysOnly(io.BytesIO(content)).load()
        assert np.array_equal(found["a"], array) and found["a"].dtype == dtype and found["b"] == [1, "x", b"y"]
