"""PyTorch's checkpoints: what the readers give back, and what they refuse before it can run."""

import copy
import io
import pickle
import zipfile

import numpy as np
import pytest
from checkpoints import (
    FORBIDDEN,
    NUMBERS,
    OPCODES,
    Touch,
    asking_for,
    legacy,
    mapping,
    name,
    pid,
    plain,
    tensor,
    zipped,
)

from tlbook.files import checkpoints

both_formats = pytest.mark.parametrize("write", [legacy, zipped])


@both_formats
def test_tensors_come_back(write, tmp_path):
    state = mapping(
        whole=tensor(shape=(3, 4), strides=(4, 1)),
        transposed=tensor(shape=(4, 3), strides=(1, 4)),
        part=tensor(offset=5, shape=(2, 2), strides=(3, 1)),
        number=tensor(offset=7, shape=(), strides=()),
        empty=tensor(shape=(0, 3), strides=(3, 1)),
    )
    content = write(b"}" + b"(" + plain("step") + plain(7) + plain("model") + state + b"u")
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    expected = {
        "model/whole": NUMBERS.reshape(3, 4),
        "model/transposed": NUMBERS.reshape(3, 4).T,
        "model/part": np.array([[5, 6], [8, 9]]),
        "model/number": np.array(7.0),
        "model/empty": np.zeros((0, 3)),
    }
    for tensors in (
        checkpoints.read_tensors(content),
        checkpoints.read_tensors(path),
        checkpoints.read_tensors(str(path)),
    ):
        assert list(tensors) == list(expected)
        for key, array in expected.items():
            assert tensors[key].dtype == np.float32 and np.array_equal(tensors[key], array)
            assert tensors[key].shape == array.shape
    assert not tensors["model/whole"].flags.writeable
    assert checkpoints.read_checkpoint(content)["step"] == 7


@both_formats
@pytest.mark.parametrize(
    ("storage", "dtype"),
    [("HalfStorage", "<f2"), ("DoubleStorage", "<f8"), ("LongStorage", "<i8"), ("ByteStorage", "u1")],
)
def test_dtypes(write, storage, dtype):
    numbers = np.arange(12).astype(dtype)
    opcodes = b"}" + plain("a") + tensor(storage=storage) + b"s"
    (found,) = checkpoints.read_tensors(write(opcodes, numbers)).values()
    assert found.dtype == np.dtype(dtype) and found.tolist() == list(range(12))


def test_a_tensor_alone_and_a_list():
    assert checkpoints.read_checkpoint(zipped(tensor())).tolist() == NUMBERS.tolist()
    assert list(checkpoints.read_tensors(zipped(b"](" + tensor() + tensor(shape=(2,)) + b"e"))) == ["0", "1"]


@both_formats
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_payload_does_not_run(write, tmp_path, protocol):
    payload = pickle.dumps(Touch(tmp_path / "owned"), protocol)
    opcodes = payload[2:-1] if protocol >= 2 else payload[:-1]
    for content in (opcodes, b"}" + plain("a") + opcodes + b"s"):
        with pytest.raises(pickle.UnpicklingError, match="it wants .* not allowed: tensors and numbers only"):
            checkpoints.read_checkpoint(write(content))
    assert not (tmp_path / "owned").exists()
    pickle.loads(payload)
    assert (tmp_path / "owned").exists(), "an ordinary unpickler would have run it"


@pytest.mark.parametrize("forbidden", FORBIDDEN)
@pytest.mark.parametrize("opcode", OPCODES)
def test_nothing_else_is_allowed(forbidden, opcode):
    """Dotted names as well: in protocol 4, `OrderedDict.fromkeys` would be looked up on an allowed class."""
    with asking_for(forbidden, opcode) as opcodes:
        for write in (legacy, zipped):
            with pytest.raises(
                pickle.UnpicklingError,
                match=f"it wants {forbidden}, which is not allowed|it has the step (INST|EXT1), which is",
            ):
                checkpoints.read_tensors(write(opcodes))


def test_arrays_are_not_allowed_among_tensors():
    """`_reconstruct` takes a class and a shape: harmless among arrays, needless among tensors."""
    for content in (legacy(pickle.dumps(np.arange(3), 2)[2:-1]), zipped(pickle.dumps(np.arange(3), 2)[2:-1])):
        with pytest.raises(pickle.UnpicklingError, match=r"it wants numpy.*\.multiarray\._reconstruct, which is not"):
            checkpoints.read_tensors(content)


@pytest.mark.parametrize("target", ["stand-in", "class", "storage"])
def test_a_pickle_cannot_change_the_reader(target):
    """The opcode BUILD sets attributes on what is on the stack, the reader's own functions among them."""
    reached = {
        "stand-in": name("torch._utils", "_rebuild_tensor_v2"),
        "class": name("collections", "OrderedDict"),
        "storage": pid("storage", None, "0", "cpu", 12),
    }[target]
    for state in ({"__call__": 1, "numel": 99}, (None, {"__call__": 1, "numel": 99})):
        with pytest.raises(pickle.UnpicklingError, match="it sets the state of"):
            checkpoints.read_tensors(zipped(reached + plain(state) + b"b"))
    assert checkpoints.read_checkpoint(zipped(tensor())).tolist() == NUMBERS.tolist(), "the reader is as it was"


@both_formats
@pytest.mark.parametrize(
    "identity",
    [
        plain("storage") + b"Q",
        plain(None) + b"Q",
        pid("module", None, "0", "cpu", 12),
        pid("storage", None, "0", "cpu"),
        pid("storage", None, "0", "cpu", "12"),
        pid("storage", None, "0", "cpu", -1),
        pid("storage", None, "0", "cpu", 12, ("0", 2, 4)),
        pid("storage", None, "../../../etc/passwd", "cpu", 12),
        pid("storage", None, "/etc/passwd", "cpu", 12),
        pid("storage", None, "", "cpu", 12),
        pid("storage", None, 0, "cpu", 12),
        pid("storage", None, "٣", "cpu", 12),
    ],
)
def test_persistent_id_of_another_form(write, identity):
    with pytest.raises(pickle.UnpicklingError, match="it has the persistent id .* not a plain storage"):
        checkpoints.read_tensors(write(tensor(identity=identity)))


@both_formats
@pytest.mark.parametrize(
    "wrong",
    [
        {"strides": (-1,)},
        {"strides": (2,)},
        {"strides": (2**61,)},
        {"strides": (0,), "shape": (13,)},
        {"shape": (13,)},
        {"shape": (2**62,)},
        {"shape": (-12,)},
        {"shape": (2**31, 2**31), "strides": (0, 0)},
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**63},
        {"offset": 0.0},
        {"offset": True},
        {"shape": 12},
        {"strides": None},
        {"strides": ("1",)},
        {"numel": 0},
        {"storage": None, "identity": plain("0")},
    ],
)
def test_view_that_leaves_its_storage(write, wrong):
    with pytest.raises(pickle.UnpicklingError, match="it has a tensor with offset"):
        checkpoints.read_tensors(write(tensor(**wrong)))


@both_formats
@pytest.mark.parametrize(
    "wrong",
    [
        tensor(numel=10**15, shape=(10**15,)),
        tensor(numel=13),
        tensor(numel=11, shape=(11,)),
        tensor(storage="DoubleStorage"),
        tensor(storage="HalfStorage"),
        tensor(key="1"),
        tensor(strides=(1, 1)),
        b"](" + tensor() + tensor(storage="LongStorage") + b"e",
    ],
)
def test_storage_that_is_not_there_or_has_another_size(write, wrong):
    with pytest.raises(pickle.UnpicklingError, match="storage 0|bytes are left behind|damaged"):
        checkpoints.read_tensors(write(wrong))


@pytest.mark.parametrize("numel", [-1, 13, 2**62])
def test_legacy_storage_of_a_false_length(numel):
    with pytest.raises(pickle.UnpicklingError, match="storage 0 should have .* bytes, 48 are left"):
        checkpoints.read_tensors(legacy(tensor(), numel=numel))


@both_formats
@pytest.mark.parametrize(
    "odd",
    [
        b"(" + tensor() + b"t",
        name("collections", "OrderedDict"),
        name("torch._utils", "_rebuild_tensor_v2"),
        pid("storage", None, "0", "cpu", 12),
        b"}" + plain((1, 2)) + plain(3) + b"s",
        b"}" + tensor() + plain(3) + b"s",
        b"(" + plain((1, (2, 3))) + b"t",
        b"(]t",
        b"\x8f",
    ],
)
def test_things_that_no_checkpoint_needs(write, odd):
    with pytest.raises(
        pickle.UnpicklingError, match="it (holds|has|calls) .*(tensors and numbers only|expected a string|three deep)"
    ):
        checkpoints.read_tensors(write(odd))


def test_containers_without_end_are_refused():
    holds_itself = b"]q\x00h\x00a"
    twice = b"](]q\x00h\x00e"
    billion = b"]q\x000" + b"".join(b"](" + b"h%c" % n * 2 + b"eq%c0" % (n + 1) for n in range(60)) + b"h%c" % 60
    for opcodes in (holds_itself, twice, billion):
        with pytest.raises(pickle.UnpicklingError, match="stands in the file twice"):
            checkpoints.read_tensors(zipped(opcodes))
    # In an error message, too, a list of lists of lists would never end.
    for opcodes in (billion + b"Q", b"}" + plain("a") + b"(" + billion + b"ts"):
        with pytest.raises(pickle.UnpicklingError, match=r"\[\.\.\.\]"):
            checkpoints.read_tensors(zipped(opcodes))
    assert checkpoints.read_tensors(zipped(b"]" * 100 + b"a" * 99)) == {}
    with pytest.raises(pickle.UnpicklingError, match="more than 100 deep"):
        checkpoints.read_tensors(zipped(b"]" * 20_000 + b"a" * 19_999))


def test_names_that_meet_are_refused():
    opcodes = b"}(" + plain("a/b") + tensor() + plain("a") + b"}" + plain("b") + tensor() + b"su"
    with pytest.raises(pickle.UnpicklingError, match="two tensors have the name a/b"):
        checkpoints.read_tensors(zipped(opcodes))


@both_formats
def test_truncated_anywhere(write):
    content = write(mapping(a=tensor()))
    assert "a" in checkpoints.read_tensors(content)
    for length in range(0, len(content) - 1, 7):
        with pytest.raises(pickle.UnpicklingError):
            checkpoints.read_tensors(content[:length])


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps(1), pickle.dumps([1, 2]), bytes(1000)])
def test_no_checkpoint(content):
    with pytest.raises(pickle.UnpicklingError):
        checkpoints.read_tensors(content)


def overlapping(content, copies=10):
    """The same zip archive, in whose directory the largest member stands many times."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(copies):
            again = copy.copy(archive.getinfo("archive/data/0"))
            again.filename = f"archive/data/{number + 1}"
            archive.filelist.append(again)
        archive._didModify = True
    return file.getvalue()


def test_zip_files_that_torch_does_not_write():
    with pytest.raises(pickle.UnpicklingError, match="compressed or overlap"):
        checkpoints.read_tensors(zipped(tensor(), compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(pickle.UnpicklingError, match="not little-endian"):
        checkpoints.read_tensors(zipped(tensor(), byteorder=b"big"))
    with pytest.raises(pickle.UnpicklingError, match="compressed or overlap"):
        checkpoints.read_tensors(overlapping(zipped(tensor(), np.zeros(10_000))))
    content = zipped(tensor())
    damaged = content.replace(NUMBERS.tobytes(), NUMBERS[::-1].tobytes())
    with pytest.raises(pickle.UnpicklingError, match="damaged: BadZipFile: Bad CRC"):
        checkpoints.read_tensors(damaged)
    with pytest.raises(pickle.UnpicklingError, match="damaged"):
        checkpoints.read_tensors(content.replace(b"archive/data.pkl", b"archive/none.pkl"))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoints.read_tensors(tmp_path / "none.pt")
