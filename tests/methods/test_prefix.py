"""The cached prefix: what it keeps, what it survives, what it feeds, and the joined model."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from tlbook import backbones
from tlbook.backbones import vgg16
from tlbook.files import cache, pieces
from tlbook.methods import prefix

ROOT = pathlib.Path(__file__).parents[2]


def pictures(n=10, seed=0):
    return np.random.default_rng(seed).integers(256, size=(n, 8, 8, 3)).astype("uint8")


def parts(seed=0):
    """Two parts of a small network: pictures to maps (4, 4, 5), and these to three logits."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 3, padding="same", activation="relu", name="frozen")(inputs)
    x = keras.layers.MaxPooling2D(2, name="cut")(x)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    return backbones.split(keras.Model(inputs, x, name="tiny"), "cut")


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(prefix, "PIECE", 4)


def counting(monkeypatch):
    """Count the examples that go through any prefix."""
    seen, halved = [], prefix.features.halved

    def counted(model):
        call = halved(model)
        return lambda batch, training: seen.append(len(batch)) or call(batch, training=training)

    monkeypatch.setattr(prefix.features, "halved", counted)
    return seen


def left():
    return sorted(path.suffix for path in cache.computed_dir().iterdir())


def test_it_holds_what_the_prefix_makes_of_each_view():
    lower, _ = parts()
    images = pictures()
    found = prefix.cached(lower, images, dtype="float32")
    assert found.arrays.shape == (2, 10, 4, 4, 5) and isinstance(found.view("plain").base, np.memmap | np.ndarray)
    assert not found.arrays.flags.writeable and found.cpu_seconds >= 0
    np.testing.assert_allclose(found.view("plain"), lower(images.astype("float32")), rtol=1e-5, atol=1e-4)
    mirrored = lower(images[:, :, ::-1].astype("float32"))
    np.testing.assert_allclose(found.view("mirrored"), mirrored, rtol=1e-5, atol=1e-4)
    halves = prefix.cached(lower, images, ("mirrored",))
    assert halves.arrays.dtype == np.float16 and halves.views == ("mirrored",)
    np.testing.assert_allclose(halves.arrays[0], mirrored, rtol=1e-2, atol=0.1)
    with pytest.raises(ValueError, match="name: got 'plain'"):
        halves.view("plain")


def test_it_is_computed_once_and_anew_for_another_key(monkeypatch, small_pieces):
    seen, (lower, _) = counting(monkeypatch), parts()
    first = prefix.cached(lower, pictures())
    again = prefix.cached(lower, pictures())
    assert sum(seen) == 20 and np.array_equal(first.arrays, again.arrays) and again.cpu_seconds == first.cpu_seconds
    prefix.cached(lower, pictures(), ("plain",))
    prefix.cached(lower, pictures(seed=1))
    prefix.cached(parts(seed=1)[0], pictures())
    monkeypatch.setattr(cache, "versions", lambda: {"tlbook": "another"})
    prefix.cached(lower, pictures())
    assert sum(seen) == 20 + 10 + 20 + 20 + 20
    assert left() == sorted([".json", ".lock", ".npy"] * 5)
    cache.clear_computed()
    assert left() == []


def test_a_killed_process_is_resumed(monkeypatch, small_pieces):
    """In a process of its own, killed when two pieces of five are noted."""
    code = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "methods")!r}]
import test_prefix
from tlbook.files import pieces
from tlbook.methods import prefix
prefix.PIECE = 4
note = pieces._File.note
def note_and_wait(self, checksums, seconds):
    note(self, checksums, seconds)
    if len(checksums) == 2:
        print("noted", flush=True)
        sys.stdin.read()
pieces._File.note = note_and_wait
prefix.cached(test_prefix.parts()[0], test_prefix.pictures())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ}
    ) as process:
        assert process.stdout.readline().strip() == b"noted"
        process.kill()
    assert left() == [".json", ".lock", ".partial"]
    seen, (lower, _) = counting(monkeypatch), parts()
    found = prefix.cached(lower, pictures())
    assert sum(seen) == 20 - 8 and left() == [".json", ".lock", ".npy"]
    shutil.rmtree(cache.computed_dir())
    assert np.array_equal(found.arrays, prefix.cached(lower, pictures()).arrays)


def only(ending):
    (path,) = cache.computed_dir().glob(f"*{ending}")
    return path


def change(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


def test_a_damaged_file_is_mended_from_the_damage_on(monkeypatch, small_pieces, capsys):
    lower, _ = parts()
    good = prefix.cached(lower, pictures()).arrays.copy()
    seen, size = counting(monkeypatch), only(".npy").stat().st_size
    change(only(".npy"), size - 1)
    assert np.array_equal(prefix.cached(lower, pictures()).arrays, good)
    assert sum(seen) == 2 and "is damaged" in capsys.readouterr().out  # the last piece has two examples
    only(".npy").write_bytes(only(".npy").read_bytes()[: size // 2])
    assert np.array_equal(prefix.cached(lower, pictures()).arrays, good)
    change(only(".npy"), 0)
    assert np.array_equal(prefix.cached(lower, pictures()).arrays, good)


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"key": 1, "checksums": [1], "cpu_seconds": 1}', None])
def test_a_record_that_cannot_be_trusted_is_not(monkeypatch, small_pieces, record):
    lower, _ = parts()
    good, seen = prefix.cached(lower, pictures()).arrays.copy(), counting(monkeypatch)
    only(".json").unlink() if record is None else only(".json").write_text(record)
    assert np.array_equal(prefix.cached(lower, pictures()).arrays, good) and sum(seen) == 20


def test_a_record_of_another_key_is_not_trusted(small_pieces):
    lower, _ = parts()
    prefix.cached(lower, pictures())
    record = json.loads(only(".json").read_text())
    only(".json").write_text(json.dumps(record | {"key": "another"}))
    file = pieces._File(only(".npy"), record["key"], (20, 4, 4, 5), np.dtype("float16"), [4, 4, 2, 4, 4, 2])
    assert file.noted() == ([], 0.0)


def test_a_disk_without_room_is_named_before_anything_is_computed(monkeypatch):
    seen, (lower, _) = counting(monkeypatch), parts()
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1_000_000))
    with pytest.raises(cache.NoRoom, match="1 MB are free on the disk, 10 MB are needed"):
        prefix.cached(lower, pictures())
    assert not seen and not cache.computed_dir().exists()


def test_a_disk_that_fills_meanwhile_keeps_what_was_done(monkeypatch, small_pieces):
    lower, _ = parts()
    seen, synced = counting(monkeypatch), []

    def full(number):
        synced.append(number)
        if len(synced) == 3:
            raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(pieces.os, "fsync", full)
        with pytest.raises(cache.NoRoom, match="No space left on device .* MB are needed still"):
            prefix.cached(lower, pictures())
    assert left() == [".json", ".lock", ".partial"]
    seen.clear()
    prefix.cached(lower, pictures())
    assert sum(seen) == 20 - 8


def test_an_error_of_the_work_is_not_taken_for_one_of_the_disk(tmp_path):
    def compute(number):
        raise FileNotFoundError("a picture is missing")

    with pytest.raises(FileNotFoundError, match="a picture is missing"):
        pieces.computed_in_pieces(tmp_path / "maps.npy", "key", (4, 2), np.float32, [4], compute)


def test_two_processes_compute_it_once(small_pieces):
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "methods")!r}]
import test_prefix
from tlbook.methods import prefix
seen = []
halved = prefix.features.halved
prefix.features.halved = lambda model: lambda batch, training: seen.append(1) or halved(model)(batch)
prefix.cached(test_prefix.parts()[0], test_prefix.pictures())
print(len(seen))
"""
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    assert sorted(int(process.communicate()[0]) for process in both) == [0, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": pictures()[:, :4]}, "inputs: got uint8"),
        ({"inputs": pictures()[:0]}, "inputs: got uint8"),
        ({"inputs": pictures().astype(int)}, "inputs: got int64"),
        ({"views": ()}, "views: got"),
        ({"views": ("plain", "plain")}, "views: got"),
        ({"views": ("turned",)}, "views: got"),
        ({"dtype": "float64"}, "dtype: got 'float64'"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        prefix.cached(**{"prefix": parts()[0], "inputs": pictures()} | change)


def test_views_alternate_and_each_example_is_seen_in_both():
    found = prefix.Prefixed(np.stack([np.zeros((6, 1)), np.ones((6, 1))]).astype("float16"), prefix.VIEWS, 0.0)
    batches = prefix.PrefixBatches(found, np.arange(6), batch_size=4)

    def epoch():
        seen = [batches[i] for i in range(len(batches))]
        batches.on_epoch_end()
        labels = np.concatenate([labels for _, labels in seen])
        return np.concatenate([x[:, 0] for x, _ in seen])[np.argsort(labels)], labels

    (first, order), (second, other), (third, _) = epoch(), epoch(), epoch()
    assert np.array_equal(first + second, np.ones(6)) and np.array_equal(first, third)
    assert 0 < first.sum() < 6 and sorted(order) == list(range(6)) and not np.array_equal(order, other)
    assert batches[0][0].dtype == np.float32


def test_views_may_be_drawn_and_positions_chosen():
    plain = np.arange(8.0).reshape(8, 1)
    found = prefix.Prefixed(np.stack([plain, plain + 100]).astype("float16"), prefix.VIEWS, 0.0)
    batches = prefix.PrefixBatches(found, [5, 2], alternate=False, positions=[5, 2])
    seen = set()
    for _ in range(20):
        inputs, labels = batches[0]
        assert np.array_equal(inputs[:, 0] % 100, labels)
        seen |= {tuple(inputs[np.argsort(labels), 0] >= 100)}
        batches.on_epoch_end()
    assert len(seen) == 4
    with pytest.raises(ValueError, match="labels: got 3, expected one for each of 2"):
        prefix.PrefixBatches(found, [1, 2, 3], positions=[5, 2])


def test_maps_move_by_whole_cells():
    maps = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    down = prefix.shifted(maps, np.array([[1, 0]]), "zero")[0, :, :, 0]
    assert down.tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    left_up = prefix.shifted(maps, np.array([[-1, -1]]), "edge")[0, :, :, 0]
    assert left_up.tolist() == [[5, 6, 6], [8, 9, 9], [8, 9, 9]]
    assert np.array_equal(prefix.shifted(maps, np.zeros((1, 2), int)), maps)


def test_batches_move_features_and_say_what_cannot_move():
    maps = np.zeros((1, 50, 4, 4, 1), "float16")
    maps[:, :, 1, 1] = 1
    batches = prefix.PrefixBatches(
        prefix.Prefixed(maps, ("plain",), 0.0), np.zeros(50), batch_size=50, shift=1, padding="zero"
    )
    places = {tuple(np.argwhere(one[:, :, 0])[0]) for one in batches[0][0]}
    assert places == {(y, x) for y in range(3) for x in range(3)}
    flat = prefix.Prefixed(np.zeros((1, 4, 3), "float16"), ("plain",), 0.0)
    with pytest.raises(ValueError, match="shift: got 1, expected 0"):
        prefix.PrefixBatches(flat, np.zeros(4), shift=1)
    with pytest.raises(ValueError, match="padding: got 'wrap'"):
        prefix.PrefixBatches(flat, np.zeros(4), padding="wrap")


def test_features_of_a_moved_picture_are_the_moved_features():
    """Away from the sides: one cell of a layer that pools by two is two pixels."""
    lower, _ = parts()
    images = pictures().astype("float32")
    moved = lower(np.roll(images, 2, axis=1))[:, 2:-1]
    cells = prefix.shifted(np.asarray(lower(images)), np.tile([1, 0], (10, 1)))[:, 2:-1]
    np.testing.assert_allclose(cells, moved, rtol=1e-5, atol=1e-4)


def test_a_suffix_learns_from_the_cache_and_the_joined_model_predicts_what_the_parts_did():
    lower, upper = parts()
    images, labels = pictures(40), np.arange(40) % 3
    found = prefix.cached(lower, images, dtype="float32", batch_size=40)
    frozen = [weight.copy() for weight in lower.get_weights()]
    upper.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    upper.fit(prefix.PrefixBatches(found, labels, shift=1), epochs=2, verbose=0)
    joined = prefix.join(lower, upper)
    expected = upper(found.view("plain"), training=False)
    assert np.array_equal(joined(images.astype("float32"), training=False), expected)
    assert all(map(np.array_equal, lower.get_weights(), frozen))
    halves = prefix.cached(lower, images)
    close = upper(halves.view("plain").astype("float32"), training=False)
    np.testing.assert_allclose(close, expected, rtol=1e-2, atol=0.5)
    with pytest.raises(ValueError, match="suffix: it takes"):
        prefix.join(upper, lower)


def test_vgg16_joined_predicts_what_its_parts_do(weights):
    lower, upper = backbones.split(vgg16.pretrained()[0], "block2_pool")
    images = np.random.default_rng(0).integers(256, size=(4, 32, 32, 3)).astype("uint8")
    whole = prefix.join(lower, upper)(images.astype("float32"), training=False)
    exact = prefix.cached(lower, images, dtype="float32").view("plain")
    assert np.array_equal(upper(np.array(exact), training=False), whole)
    halves = prefix.cached(lower, images).view("plain").astype("float32")
    error = np.abs(upper(halves, training=False) - whole).max()
    assert error < 2e-3 * np.abs(whole).max()
