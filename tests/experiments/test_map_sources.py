"""Sources near and far, what is forgotten of one, and scores over the map: the pieces of these experiments."""

import functools

import keras
import numpy as np
import pytest

from experiments import map_forgetting, map_frozen, map_moved, map_scores, map_task, source_bodies
from experiments.cheap_pretraining import PROBE_C
from experiments.protocol import Arm, Task
from tlbook import data
from tlbook.backbones import vgg16
from tlbook.data.images import Split
from tlbook.files import sources
from tlbook.methods import generative, prefix

HERE = sources.Source("pictures", "bundled", "")


def coloured(n, classes=5, seed=0):
    """Pictures whose colour tells their class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    hues = np.linspace(20, 230, classes)[labels]
    means = np.stack([hues, 255 - hues, np.full(n, 120.0)], axis=1)[:, None, None]
    return Split(np.clip(means + rng.normal(0, 15, (n, 32, 32, 3)), 0, 255).astype("uint8"), labels)


@pytest.fixture
def task():
    train, validation = coloured(40), coloured(20, seed=1)
    other = coloured(100, seed=2)
    more = {"same": coloured(100, seed=3), "other": other, "pictures": other}
    return Task(train=train, validation=validation, n_choose=20, source=HERE, **more)


def test_sources_differ_in_what_they_should_and_in_no_more(task):
    found = {way: source_bodies.pictures_of(way, task, 1) for way in source_bodies.SOURCES if way != "drawings"}
    assert {len(split) for split in found.values()} == {100}
    assert found["same_classes"] is task.same
    shuffled, noise = found["shuffled_labels"], found["noise"]
    assert np.array_equal(shuffled.images, task.other.images) and (shuffled.labels != task.other.labels).mean() > 0.5
    assert np.array_equal(np.sort(shuffled.labels), np.sort(task.other.labels))
    assert abs(noise.images.mean() - 127.5) < 1 and np.array_equal(noise.labels, task.other.labels)
    again = source_bodies.pictures_of("noise", task, 1), source_bodies.pictures_of("noise", task, 2)
    assert np.array_equal(again[0].images, noise.images) and (again[1].images != noise.images).any()


def test_who_pretrains_on_the_target_does_not_see_its_labels_of_a_run(monkeypatch):
    split = Split(
        np.arange(600, dtype="uint16").view("uint8").reshape(600, 2).repeat(1536, 1).reshape(600, 32, 32, 3),
        np.arange(600) % 10,
    )
    whole = data.Dataset(split, split, split, [str(i) for i in range(10)], HERE)
    monkeypatch.setattr(data, "load_cifar10", lambda: whole)
    monkeypatch.setattr(data, "holdout", lambda: split)
    monkeypatch.setattr(source_bodies, "N_SOURCE", 100)
    task, test = source_bodies.load(40, 0)
    seen = [{image.tobytes() for image in each.images} for each in (task.train, task.validation, task.same, task.other)]
    assert [len(each) for each in seen] == [40, 10, 100, 100] and len(set.union(*seen)) == 250
    assert len(test.labels) == 300 and set(test.labels) == set(range(5))


def test_a_training_starts_anew_and_learns(task):
    keras.utils.set_random_seed(0)
    model = generative.with_head(generative.body(), 5)
    source_bodies.compiled(model, 30, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    start, ends = model.get_weights(), []
    for _ in range(2):
        source_bodies.train_at(model, start, source_bodies.parts_of(task.other, 30, 32, 0), 1e-2)
        ends.append(model.get_weights())
    assert all(np.allclose(one, other, atol=1e-4) for one, other in zip(*ends, strict=True))
    pictures = generative.small(task.other.images)
    assert (model.predict(pictures, verbose=0).argmax(axis=1) == task.other.labels).mean() > 0.9


def test_each_task_has_its_own_softmax():
    logits = np.random.default_rng(0).normal(size=(4, 10)).astype("float32")
    labels = np.array([0, 3, 5, 9])
    found = keras.ops.convert_to_numpy(map_forgetting.own_classes(labels, keras.ops.convert_to_tensor(logits)))
    for row, label, loss in zip(logits, labels, found, strict=True):
        mine = row[:5] if label < 5 else row[5:]
        assert loss == pytest.approx(np.log(np.exp(mine).sum()) - mine[label % 5], abs=1e-5)


def test_layers_are_frozen_from_below():
    for depth, expected in enumerate([3, 2, 1, 0]):
        body = generative.body()
        map_forgetting.freeze(body, depth)
        assert sum(layer.trainable for layer in body.layers if isinstance(layer, keras.layers.Conv2D)) == expected
        assert len(body.trainable_variables) == 3 * expected


@functools.cache
def source_weights():
    """What a body and its head have after they have learned the source."""
    keras.utils.set_random_seed(0)
    model = generative.with_head(generative.body(), 5)
    source_bodies.compiled(model, 30, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    batches = source_bodies.parts_of(coloured(100, seed=2), 30, 32, 0)
    source_bodies.train_at(model, model.get_weights(), batches, 1e-2)
    return model.get_weights()


def run(task, monkeypatch, frozen, rate):
    def pretrained(way, task, seed):
        body = generative.body()
        model = generative.with_head(body, 5)
        model.set_weights(source_weights())
        return body, model, {"pretraining_seconds": 1.0, "figures": {}}

    monkeypatch.setattr(source_bodies, "pretrained", pretrained)
    monkeypatch.setattr(map_forgetting, "PASSES", {40: 30})
    fit = functools.partial(map_forgetting.learned, rehearsal=False)
    # The target asks for the opposite of what the source taught: colours in the opposite order.
    train, validation = (Split(each.images, 4 - each.labels) for each in (task.train, task.validation))
    asked = Task(**vars(task) | {"train": train, "validation": validation}, frozen=frozen, rate=rate)
    fitted = fit(asked, Arm(fit=fit, first=PROBE_C[:1], pretraining="measured"), 0)
    labels = {"target": validation.labels, "source": task.same.labels}
    predictions = fitted.predict({"target": validation.images, "source": task.same.images})
    return map_forgetting.scored(labels, predictions), fitted


def test_a_frozen_body_forgets_nothing_and_a_bold_rate_does(task, monkeypatch):
    kept, fitted = run(task, monkeypatch, 3, 1e-2)
    assert kept["source_before"] == kept["source_accuracy"] > 0.8 and fitted.validation > 0.8
    bold, _ = run(task, monkeypatch, 0, 3e-1)
    assert bold["source_before"] == kept["source_before"] and bold["source_accuracy"] < bold["source_before"] - 0.1


def test_rehearsal_shows_as_many_pictures_of_the_source(task):
    target, source = (source_bodies.parts_of(each, 3, 8, 0) for each in (task.train, task.other))
    twins = [source_bodies.parts_of(each, 3, 8, 0) for each in (task.train, task.other)]
    both = map_forgetting.mixed(target, source)
    for index in range(len(both)):
        (images, labels), (first, second) = both[index], (twin[index] for twin in twins)
        assert np.array_equal(images, np.concatenate([first[0], second[0]])) and len(both) == 3
        assert np.array_equal(labels, np.concatenate([first[1], 5 + second[1]]))


def test_cka_knows_turned_features_and_tells_others_apart():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8))
    turn, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    assert map_scores.cka(x, 3 * x @ turn + 5) == pytest.approx(1)
    centre = np.eye(60) - 1 / 60
    y = rng.normal(size=(60, 3)) + x[:, :3]

    def hsic(a, b):
        return np.trace(a @ a.T @ centre @ b @ b.T @ centre)

    assert map_scores.cka(x, y) == pytest.approx(hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y)))
    assert map_scores.cka(x, rng.normal(size=(60, 3))) < map_scores.cka(x, y)
    assert np.isnan(map_scores.cka(x, np.ones((60, 2))))


def test_scores_find_the_layer_that_knows_the_classes(monkeypatch):
    rng = np.random.default_rng(0)
    split = coloured(100, classes=10)
    task = Task(
        train=split, validation="of its own labels", n_choose=100, source=HERE, pool=[split.images],
        positions=np.arange(100), resolution=32,
    )  # fmt: skip
    arrays = rng.normal(size=(2, 100, len(map_frozen.READ), 20)).astype("float16")
    arrays[:, :, map_frozen.READ.index("block4_conv1"), :10] += 4 * np.eye(10)[split.labels]
    monkeypatch.setattr(map_task, "load", lambda *_: (task, None))
    monkeypatch.setattr(map_frozen, "features_of", lambda *_: prefix.Prefixed(arrays, prefix.VIEWS, 0.0))
    rows = {arm: map_scores.measure(arm, 32, 100, 0) for arm in ("block4_conv1", "block1_conv1", map_scores.LAST)}
    for score in ("logme", "h_score", "cka"):
        assert rows["block4_conv1"][score] > rows["block1_conv1"][score]
    assert rows[map_scores.LAST]["cka_last"] == 1 > rows["block1_conv1"]["cka_last"]
    assert rows["block4_conv1"]["mmac"] > rows["block1_conv1"]["mmac"] and rows["block4_conv1"]["source"] is HERE


def test_every_score_has_its_accuracy_in_the_map():
    keys = ("arm", "resolution", "n_train", "seed")
    planned = {tuple(run[key] for key in keys) for run in map_frozen.EXPERIMENT.configurations()}
    assert {tuple(run[key] for key in keys) for run in map_scores.EXPERIMENT.configurations()} <= planned


@pytest.mark.parametrize(("rate", "still"), [(0.0, True), (1e-3, False)])
def test_what_is_not_trained_has_not_moved(monkeypatch, rate, still):
    rng = np.random.default_rng(0)
    arrays = {
        name: (rng.normal(0, np.sqrt(2 / (9 * wide)), (3, 3, wide, out)).astype("float32"), np.zeros(out, "float32"))
        for name, (wide, out) in vgg16.CONVOLUTIONS.items()
    }
    monkeypatch.setattr(vgg16, "find_arrays", lambda: (arrays, HERE))
    monkeypatch.setattr(map_moved, "EPOCHS", {"everything": 1, "control": 1})
    split = coloured(30, classes=10)
    more = {"pool": [split.images], "positions": np.arange(20), "resolution": 32}
    train = Split(split.images[:20], split.labels[:20])
    task = Task(train=train, validation="of its own labels", n_choose=20, source=HERE, **more)
    fit = functools.partial(map_moved.moved, weights="published")
    found = fit(task, Arm(fit=fit, grid=(rate,), pretraining="published"), 0).figures
    relative, cka, floor = (
        [found[f"{kind}_{name}"] for name in map_moved.LAYERS] for kind in ("relative", "cka", "floor")
    )
    assert (max(relative) == 0) == still and (min(cka) == pytest.approx(1, abs=1e-6)) == still
    assert len(relative) == 10 and max(floor) < 1 - 1e-6
