"""Training: what batches hold, how rates run and are chosen, what `fit` reports and refuses, and what is predicted."""

import contextlib
import io
import math

import keras
import numpy as np
import pytest

from tlbook import heads, training


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def numbered(n, variants=1):
    """Variants that say which example (first column) and which variant (second column) they are."""
    return [np.stack([np.arange(n), np.full(n, k)], axis=1).astype("float16") for k in range(variants)]


def epoch(batches):
    """One epoch as Keras reads it: `(batches, examples, variants)`."""
    read = [batches[i] for i in range(len(batches))]
    batches.on_epoch_end()
    inputs = np.concatenate([inputs for inputs, _ in read])
    return read, inputs[:, 0].astype(int), inputs[:, 1].astype(int)


@pytest.mark.parametrize(("n", "size"), [(10, 3), (10, 5), (10, 10), (3, 64), (1, 1)])
def test_every_example_once_an_epoch_and_the_rest_in_a_smaller_batch(n, size):
    batches = training.Batches(numbered(n), 100 + np.arange(n), size)
    for _ in range(3):
        read, examples, _ = epoch(batches)
        assert [len(labels) for _, labels in read] == [min(size, n - start) for start in range(0, n, size)]
        assert sorted(examples) == list(range(n))
        assert np.concatenate([labels for _, labels in read]).tolist() == (100 + examples).tolist(), "labels stay"


def test_batches_are_float32_whatever_comes():
    for dtype in ("uint8", "float16"):
        pictures = np.random.default_rng(0).integers(256, size=(5, 4, 6, 3)).astype(dtype)
        batches = training.Batches([pictures, pictures[:, :, ::-1]], np.arange(5), 2)
        for inputs, labels in (batches[i] for i in range(len(batches))):
            assert inputs.dtype == np.float32 and inputs.shape == (len(labels), 4, 6, 3)
            for picture, i in zip(inputs, labels, strict=True):
                assert any(np.array_equal(picture, variant) for variant in (pictures[i], pictures[i, :, ::-1]))


def test_order_and_variants_differ_between_epochs():
    batches = training.Batches(numbered(100, variants=3), np.arange(100))
    (_, first, variants), (_, second, others) = epoch(batches), epoch(batches)
    assert not np.array_equal(first, second) and not np.array_equal(first, np.arange(100))
    of_each, of_each_later = variants[np.argsort(first)], others[np.argsort(second)]
    # A third of the examples would draw the same variant again.
    assert 15 < np.sum(of_each == of_each_later) < 55


def test_every_variant_is_drawn_about_as_often():
    batches = training.Batches(numbered(300, variants=3), np.arange(300))
    counts = sum(np.bincount(epoch(batches)[2], minlength=3) for _ in range(10))
    assert all(abs(count - 1000) < 150 for count in counts)


def test_reading_a_batch_twice_gives_the_same():
    batches = training.Batches(numbered(20, variants=2), np.arange(20), 6)
    for _ in range(2):
        assert all(np.array_equal(a, b) for a, b in zip(batches[1], batches[1], strict=True))


def test_seed_says_what_is_drawn():
    def epochs(seed):
        batches = training.Batches(numbered(20, variants=2), np.arange(20), seed=seed)
        return [epoch(batches)[1:] for _ in range(3)]

    assert np.array_equal(epochs(1), epochs(1))
    assert not np.array_equal(epochs(1), epochs(2))
    np.random.seed(7)  # noqa: NPY002 (the global state must not matter)
    assert np.array_equal(epochs(1), epochs(1))


@pytest.mark.parametrize(
    ("variants", "labels", "came"),
    [
        ([np.zeros((4, 2)), np.zeros((4, 3))], np.zeros(4, int), r"\[\(4, 2\), \(4, 3\)\]"),
        ([np.zeros((4, 2)), np.zeros((5, 2))], np.zeros(4, int), r"\[\(4, 2\), \(5, 2\)\]"),
        ([np.zeros((4, 2))], np.zeros(5, int), r"\[\(4, 2\)\], expected one shape \(5, \.\.\.\)"),
        ([np.zeros((0, 2))], np.zeros(0, int), r"\[\(0, 2\)\]"),
        ([], np.zeros(4, int), r"\[\]"),
        (np.zeros((4, 8, 8, 3)), np.zeros(4, int), r"\[\(8, 8, 3\)\], expected one shape \(4, \.\.\.\)"),
    ],
    ids=["widths", "lengths", "labels", "none", "no-variant", "pictures-without-a-list"],
)
def test_batches_of_lengths_that_disagree_are_refused(variants, labels, came):
    with pytest.raises(ValueError, match=rf"variants: got shapes {came}"):
        training.Batches(variants, labels)


def formula(step, peak, steps, warmup_steps):
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 + math.cos(math.pi * min(1, (step - warmup_steps) / (steps - warmup_steps)))) / 2


@pytest.mark.parametrize(
    ("peak", "steps", "options", "warmup_steps"),
    [
        (0.3, 100, {}, 10),
        (1e-3, 37, {}, 4),
        (1.0, 20, {"warmup": 0.5}, 10),
        (1.0, 20, {"warmup": 0.0}, 1),
        (1.0, 4, {}, 1),
        (0.0, 10, {}, 1),
    ],
)
def test_rate_climbs_in_a_line_and_falls_as_a_half_cosine(peak, steps, options, warmup_steps):
    schedule = training.warmup_cosine(peak, steps, **options)
    rates = [float(schedule(step)) for step in range(steps + 3)]
    np.testing.assert_allclose(
        rates, [formula(step, peak, steps, warmup_steps) for step in range(steps + 3)], rtol=1e-4, atol=1e-7 * peak
    )
    assert rates[0] == 0 and np.argmax(rates) == warmup_steps * (peak > 0)
    assert rates[warmup_steps] == pytest.approx(peak) and rates[steps] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("steps", [1, 2])
def test_rate_of_a_very_short_training_is_a_number(steps):
    rates = [float(training.warmup_cosine(0.1, steps)(step)) for step in range(4)]
    assert np.isfinite(rates).all() and max(rates) == pytest.approx(0.1) and min(rates) >= 0


def linear(classes=3, shape=(2, 2, 1)):
    inputs = keras.Input(shape)
    return heads.classifier(keras.Model(inputs, keras.layers.Identity()(inputs)), classes)


def toy(n=60, classes=3, seed=0):
    """Pictures of 2 x 2 pixels whose class is written all over them."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = 3 * np.eye(4)[:classes].reshape(classes, 2, 2, 1)
    return (centres[labels] + 0.3 * rng.normal(size=(n, 2, 2, 1))).astype("float32"), labels


@pytest.fixture(scope="module")
def learnt():
    """One training, looked at from several sides: `(model, history, what was printed)`."""
    keras.utils.set_random_seed(0)
    (inputs, labels), model, said = toy(), linear(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        history = training.fit(model, training.Batches([inputs], labels, 8), toy(seed=1), 12, 0.1)
    return model, history, said.getvalue()


def test_fit_learns_a_problem_that_can_be_separated(learnt):
    _, history, _ = learnt
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(numbers) == 12 and all(isinstance(x, float) for x in numbers) for numbers in history.values())
    assert history["loss"][-1] < history["loss"][0] / 2
    assert history["val_loss"][-1] < history["val_loss"][0] / 2
    assert history["accuracy"][-1] > 0.95 and history["val_accuracy"][-1] > 0.95


def test_rate_follows_the_schedule_over_all_steps(learnt):
    optimizer, steps = learnt[0].optimizer, 12 * math.ceil(60 / 8)
    assert int(optimizer.iterations) == steps
    for step in (0, 5, 10, 50, steps):
        assert float(optimizer._learning_rate(step)) == pytest.approx(formula(step, 0.1, steps, 10), abs=1e-7)


def test_nothing_is_printed_onto_the_page(learnt):
    """A bar is for a terminal."""
    assert learnt[2] == ""


def test_fit_shows_every_example_once_an_epoch():
    """Keras may ask for a batch more often than it trains on it, and must not mix two epochs."""
    seen = []

    class Model(keras.Model):
        def train_step(self, data):
            seen.append(np.asarray(data[0])[:, 0].astype(int).tolist())
            return super().train_step(data)

    inputs = keras.Input((2,))
    model = Model(inputs, keras.layers.Dense(2)(inputs))
    compile_model = model.compile
    model.compile = lambda *args, **options: compile_model(*args, **options, run_eagerly=True)
    batches = training.Batches(numbered(10, variants=2), np.arange(10) % 2, 4)
    training.fit(model, batches, (numbered(4)[0].astype("float32"), np.arange(4) % 2), 3, 1e-6)
    assert len(seen) == 9
    for start in (0, 3, 6):
        assert sorted(sum(seen[start : start + 3], [])) == list(range(10))
    assert seen[:3] != seen[3:6]


def test_loss_and_accuracy_are_the_categorical_ones():
    """At the rate zero nothing changes, and both can be computed by hand."""
    model, (inputs, labels) = linear(), toy(seed=1)
    logits = np.asarray(model(inputs), "float64")
    loss = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(60), labels])
    accuracy = np.mean(logits.argmax(axis=1) == labels)
    history = training.fit(model, training.Batches([inputs], labels, 16), (inputs, labels), 2, 0.0)
    for name, expected in (("loss", loss), ("accuracy", accuracy)):
        for prefix in ("", "val_"):
            np.testing.assert_allclose(history[prefix + name], [expected] * 2, rtol=1e-4, err_msg=prefix + name)


def test_network_that_is_always_wrong_scores_nothing():
    """Counted element by element, as a binary accuracy does, it would score 80 %."""
    model = linear(10)
    model.get_layer("logits").set_weights([np.zeros((4, 10)), 9 * np.eye(10)[5]])
    inputs, labels = toy()[0], np.full(60, 3)
    history = training.fit(model, training.Batches([inputs], labels), (inputs, labels), 1, 0.0)
    assert history["accuracy"] == history["val_accuracy"] == [0.0]


def test_where_nobody_judges_there_is_a_loss_and_no_judgement():
    inputs, labels = toy()
    history = training.fit(linear(), training.Batches([inputs], labels, 8), None, 2, 0.1)
    assert set(history) == {"loss", "accuracy"} and len(history["loss"]) == 2


def test_fit_takes_the_steps_of_adam():
    """Softmax regression on one batch an epoch, in NumPy: Kingma and Ba (2015), algorithm 1, with Keras's constants."""
    inputs, labels = toy()
    flat, one_hot = inputs.reshape(60, 4).astype("float64"), np.eye(3)[labels]
    layer = keras.layers.Dense(3)
    body = keras.Input((2, 2, 1))
    model = keras.Model(body, layer(keras.layers.Flatten()(body)))
    weights = np.vstack([layer.kernel, layer.bias[None]]).astype("float64")
    training.fit(model, training.Batches([inputs], labels, 60), (inputs, labels), 12, 0.05)
    flat = np.hstack([flat, np.ones((60, 1))])
    mean = square = 0
    for step in range(12):
        scores = np.exp(flat @ weights)
        gradient = flat.T @ (scores / scores.sum(axis=1, keepdims=True) - one_hot) / 60
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        corrected = mean / (1 - 0.9 ** (step + 1)), square / (1 - 0.999 ** (step + 1))
        weights -= formula(step, 0.05, 12, 1) * corrected[0] / (np.sqrt(corrected[1]) + 1e-7)
    np.testing.assert_allclose(np.vstack([layer.kernel, layer.bias[None]]), weights, atol=1e-4)


@pytest.mark.parametrize(("part", "bad"), [("training", np.nan), ("validation", np.inf)])
def test_pixels_that_are_no_numbers_are_an_error(part, bad):
    parts = {"training": toy(), "validation": toy(seed=1)}
    parts[part][0][30, 0, 0, 0] = bad
    with pytest.raises(FloatingPointError, match="the loss of classifier became (nan|inf): lower the learning rate"):
        training.fit(
            linear(), training.Batches([parts["training"][0]], parts["training"][1]), parts["validation"], 2, 0.1
        )


def test_rate_that_is_too_high_is_an_error():
    inputs, labels = toy()
    with pytest.raises(FloatingPointError, match="the loss of classifier became .*: lower the learning rate"):
        training.fit(linear(), training.Batches([inputs], labels, 8), (inputs, labels), 5, 1e38)


def test_only_what_is_trainable_learns():
    inputs, labels = toy()
    body = keras.Input((2, 2, 1))
    frozen = keras.Model(body, keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 1)(body)))
    frozen.trainable = False
    model = heads.classifier(frozen, 3)
    before, head = frozen.get_weights(), model.get_layer("logits").get_weights()
    training.fit(model, training.Batches([inputs], labels, 8), (inputs, labels), 2, 0.1)
    assert all(np.array_equal(old, new) for old, new in zip(before, frozen.get_weights(), strict=True))
    for old, new in zip(head, model.get_layer("logits").get_weights(), strict=True):
        assert not np.array_equal(old, new)


CALLS = []


class Watched(keras.layers.Layer):
    def call(self, inputs):
        CALLS.append((keras.backend.standardize_dtype(inputs.dtype), inputs.shape[0]))
        return inputs


def classifier():
    """With dropout: a prediction must not depend on chance."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((2, 3)), Watched(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(4, name="logits")]
    )
    CALLS.clear()
    return model


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
@pytest.mark.parametrize("size", [1, 7, 30, 250])
def test_predictions_are_the_largest_logits(dtype, size):
    model = classifier()
    inputs = np.random.default_rng(0).integers(256, size=(30, 2, 3)).astype(dtype)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("logits").weights)
    expected = (inputs.reshape(30, 6).astype("float64") @ kernel + bias).argmax(axis=1)
    got = training.predict(model, inputs, size)
    assert got.dtype == np.int64 and got.shape == (30,)
    assert len(set(expected)) > 1
    np.testing.assert_array_equal(got, expected)


def test_only_one_batch_at_a_time_is_float32():
    training.predict(classifier(), np.zeros((10, 2, 3), "uint8"), 4)
    assert CALLS == [("float32", 4), ("float32", 4), ("float32", 2)]


def test_probabilities_predict_what_logits_predict():
    model = classifier()
    inputs = np.random.default_rng(0).normal(size=(30, 2, 3))
    probabilities = keras.Sequential([model, keras.layers.Softmax()])
    np.testing.assert_array_equal(training.predict(probabilities, inputs), training.predict(model, inputs))


def a_task(n=64):
    """Sentences of words 2 and 3, and the first word is the label."""
    rng = np.random.default_rng(0)
    words = rng.integers(2, 4, (n, 6)).astype("int32")
    return words, (words[:, 0] == 3).astype(np.int64)


def a_reader():
    """A network that reads by position: it learns the task, and compiles faster than a recurrent one."""
    keras.utils.set_random_seed(0)
    words = keras.Input((6,), dtype="int32")
    return heads.classifier(keras.Model(words, keras.layers.Embedding(4, 4)(words)), 2)


@pytest.fixture(scope="module")
def search():
    """One search: `(what it found, the model as it was left)`."""
    model, task = a_reader(), a_task()
    return training.choose_rate(model, task, task, 6, (1e-1, 1e-3), batch_size=16), model


def test_the_best_rate_wins_and_its_weights_stay(search):
    found, model = search
    words, labels = a_task()
    assert list(found.curves) == [1e-3, 1e-1] and all(len(curve) == 6 for curve in found.curves.values())
    assert found.rate == 1e-1
    assert found.validation_accuracy == max(max(curve) for curve in found.curves.values()) > 0.9
    measured = np.mean(training.predict(model, words) == labels)
    assert measured == pytest.approx(found.validation_accuracy), "the weights are not those that were chosen"


def test_every_rate_starts_from_the_same_weights_and_a_fresh_optimizer(search):
    behind, task = search[0].curves, a_task()
    alone = training.choose_rate(a_reader(), task, task, 6, [1e-1], batch_size=16).curves
    assert behind[1e-1] == alone[1e-1] != behind[1e-3]


@pytest.mark.parametrize(("rates", "epochs"), [([], 3), ([1e-3], 0)])
def test_a_search_needs_rates_and_epochs(rates, epochs):
    task = a_task(8)
    with pytest.raises(ValueError, match="rates, epochs: got"):
        training.choose_rate(a_reader(), task, task, epochs, rates)


def test_a_search_in_which_nothing_is_a_number_says_so():
    task = a_task(8)
    model = a_reader()
    model.get_layer("logits").kernel.assign(np.full((24, 2), np.nan))
    with pytest.raises(FloatingPointError, match="no rate of"):
        training.choose_rate(model, task, task, 1, [1e-3])


def test_what_trains_nothing_is_refused():
    with pytest.raises(ValueError, match="batch_size: got 0, expected 1 or more"):
        training.Batches(numbered(4), np.arange(4), batch_size=0)
    inputs, labels = toy()
    for epochs in (0, -1):
        with pytest.raises(ValueError, match=f"epochs: got {epochs}, expected 1 or more"):
            training.fit(linear(), training.Batches([inputs], labels), (inputs, labels), epochs, 0.1)
