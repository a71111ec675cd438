"""Heads: the probe is scikit-learn's, the classifier returns logits, and one can start where the other ended."""

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tlbook import features, heads, training

SHAPE = (2, 3, 4)  # three different sides: flattened in another order, features would meet other weights


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def blobs(n, classes=3, noise=1.0, seed=0, dtype="float16"):
    """Features around one centre a class, on scales that differ by orders of magnitude, as VGG16's do."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = np.random.default_rng(99).normal(size=(classes, *SHAPE))
    scales = np.random.default_rng(98).uniform(0.1, 300, SHAPE)
    return ((centres[labels] + noise * rng.normal(size=(n, *SHAPE))) * scales + 5).astype(dtype), labels


# Few and noisy, so that C matters.
TRAIN, VALIDATION = blobs(60, noise=2, seed=4), blobs(150, noise=2, seed=104)


def standardised(features, like):
    features, like = (np.asarray(array, "float64").reshape(len(array), -1) for array in (features, like))
    return (features - like.mean(axis=0)) / like.std(axis=0)


def fit_by_hand(C):
    """Logistic regression on features that NumPy standardised: `(regression, accuracy on the validation set)`."""
    regression = LogisticRegression(C=C, max_iter=1000, tol=1e-6)
    regression.fit(standardised(TRAIN[0], TRAIN[0]), TRAIN[1])
    predicted = regression.predict(standardised(VALIDATION[0], TRAIN[0]))
    return regression, np.mean(predicted == VALIDATION[1])


@pytest.mark.parametrize("C", [1e-3, 0.1])
def test_probe_is_a_logistic_regression_on_standardised_features(C):
    probe = heads.best_probe(TRAIN, VALIDATION, [C])
    expected, accuracy = fit_by_hand(C)
    inputs = standardised(VALIDATION[0], TRAIN[0])
    np.testing.assert_allclose(probe.predict_proba(VALIDATION[0]), expected.predict_proba(inputs), atol=0.01)
    np.testing.assert_allclose(probe.scores(VALIDATION[0]), expected.decision_function(inputs), atol=0.1)
    assert probe.C == C
    assert probe.validation_score == pytest.approx(accuracy, abs=1.5 / 150), "one picture at most on the fence"


def test_probe_minimises_the_penalised_loss():
    """At the minimum of C times the cross-entropy plus half the squared weights, the gradient is zero."""
    C = 0.05
    probe = heads.linear_probe(*TRAIN, C)
    logistic = probe.pipeline[-1]
    inputs, one_hot = standardised(TRAIN[0], TRAIN[0]), np.eye(3)[TRAIN[1]]
    scores = inputs @ logistic.coef_.T + logistic.intercept_
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    gradient = C * (softmax - one_hot).T @ inputs + logistic.coef_
    at_zero = C * (1 / 3 - one_hot).T @ inputs
    assert np.abs(gradient).max() < 0.02 * np.abs(at_zero).max()


GRID = np.logspace(-5, 3, 9)


@pytest.fixture(scope="module")
def best():
    """The best of `GRID`: no test changes it."""
    return heads.best_probe(TRAIN, VALIDATION, GRID)


def test_validation_set_chooses_C(best):
    probes = [heads.linear_probe(*TRAIN, C) for C in GRID]
    accuracies = [probe.score(*VALIDATION) for probe in probes]
    place = int(np.argmax(accuracies))
    assert 0 < place < 8 and accuracies[0] < accuracies[place] > accuracies[-1], "the test needs a choice that matters"
    assert GRID[place] == best.C and best.validation_score == accuracies[place]
    np.testing.assert_array_equal(best.pipeline[-1].coef_, probes[place].pipeline[-1].coef_)
    assert best.validation_score == np.mean(best.predict(VALIDATION[0]) == VALIDATION[1])
    assert probes[place].validation_score is None, "nothing was chosen here"


def test_chosen_by_the_validation_set_and_not_by_the_training_set(best):
    """The training set would always take the weakest penalty."""
    assert heads.best_probe(TRAIN, TRAIN, GRID).C > best.C


@pytest.mark.parametrize("grid", [(0.01, 0.1, 1.0), (1.0, 0.1, 0.01)])
def test_smallest_C_wins_a_tie(grid):
    easy = blobs(30, noise=0.01)
    probe = heads.best_probe(easy, easy, grid)
    assert probe.validation_score == 1 and probe.C == 0.01


def test_probe_without_a_C_to_try_is_refused():
    examples = np.eye(4, dtype="float32"), np.array([0, 0, 1, 1])
    with pytest.raises(ValueError, match="C: got none"):
        heads.best_probe(examples, examples, C=())


def test_a_score_that_is_no_number_chooses_nothing():
    scores = iter([0.5, np.nan, 0.7])
    with pytest.raises(ValueError, match=r"got NaN for C = \[0.1\]"):
        heads.best_probe(TRAIN, VALIDATION, (0.01, 0.1, 1.0), score=lambda *_: next(scores))


def test_any_score_can_choose():
    """The average precision of class 0, and a score that wants the probe as bad as can be."""

    def average_precision(probe, features, labels):
        return metrics.average_precision_score(labels == 0, probe.scores(features)[:, 0])

    by_hand = [average_precision(heads.linear_probe(*TRAIN, C), *VALIDATION) for C in GRID]
    probe = heads.best_probe(TRAIN, VALIDATION, GRID, score=average_precision)
    assert (probe.C, probe.validation_score) == (GRID[np.argmax(by_hand)], max(by_hand))
    worst = heads.best_probe(TRAIN, VALIDATION, GRID, score=lambda probe, *examples: -probe.score(*examples))
    assert worst.validation_score == -min(heads.linear_probe(*TRAIN, C).score(*VALIDATION) for C in GRID)


def test_any_pipeline_can_be_a_probe():
    """Sparse counts of words: what comes in is not flattened, nor standardised."""
    texts = ["good film", "bad film", "very good", "very bad"] * 3
    labels = np.array([1, 0, 1, 0] * 3)

    def make(C):
        return make_pipeline(TfidfVectorizer(), LogisticRegression(C=C))

    probe = heads.best_probe((texts, labels), (texts[:4], labels[:4]), (0.1, 1.0), make=make)
    expected = make(0.1).fit(texts, labels)
    assert (probe.C, probe.validation_score) == (0.1, 1.0)
    np.testing.assert_array_equal(
        probe.scores(["a good one", "bad"]), expected.decision_function(["a good one", "bad"])
    )
    counts = sparse.csr_matrix(np.eye(4)[[0, 1, 0, 1]])
    probe = heads.linear_probe(counts, [0, 1, 0, 1], 10.0, make=lambda C: LogisticRegression(C=C))
    assert probe.predict(counts).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("dtype", ["float16", "float32", "uint8"])
def test_probe_takes_and_predicts_the_same_shapes(dtype):
    shaped, labels = (TRAIN[0] / 8 + 100).clip(0, 255).astype(dtype), TRAIN[1]
    flat = shaped.reshape(60, -1)
    probes = heads.linear_probe(shaped, labels, 0.1), heads.linear_probe(flat.tolist(), labels.tolist(), 0.1)
    np.testing.assert_allclose(probes[0].pipeline[-1].coef_, probes[1].pipeline[-1].coef_, rtol=1e-4, atol=1e-6)
    for probe in probes:
        for ask in (probe.predict, probe.predict_proba, probe.scores):
            np.testing.assert_array_equal(ask(shaped), ask(flat))
            np.testing.assert_array_equal(ask(shaped), ask(shaped.astype("float64")))
        assert probe.score(shaped, labels) == np.mean(probe.predict(flat) == labels)


def test_probe_standardises_by_the_training_set_alone():
    shifted = VALIDATION[0].astype("float32") + 1000, VALIDATION[1]
    probe = heads.best_probe(TRAIN, shifted, [0.1])
    np.testing.assert_allclose(
        probe.pipeline[-2].mean_, TRAIN[0].astype("float64").reshape(60, -1).mean(axis=0), rtol=1e-4
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("part", [0, 1])
def test_probe_refuses_features_that_are_no_numbers(bad, part):
    parts = [TRAIN, VALIDATION]
    features = parts[part][0].copy()
    features[3, 1, 1, 1] = bad
    parts[part] = features, parts[part][1]
    with pytest.raises(ValueError, match="NaN|infinity"):
        heads.best_probe(*parts, C=[0.1])


def test_probe_needs_two_classes():
    with pytest.raises(ValueError, match="at least 2 classes"):
        heads.linear_probe(TRAIN[0], np.zeros(60, int), 0.1)


def test_probe_needs_a_label_for_each_picture():
    with pytest.raises(ValueError, match=r"\[60, 59\]"):
        heads.linear_probe(TRAIN[0], TRAIN[1][:-1], 0.1)


def backbone():
    """Input (6, 7, 1), output `SHAPE`."""
    inputs = keras.Input((6, 7, 1))
    x = keras.layers.Conv2D(4, (3, 3), strides=(3, 2), activation="relu", bias_initializer="ones")(inputs)
    return keras.Model(inputs, x)


def no_backbone(shape=SHAPE):
    """The features are its inputs."""
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Identity()(inputs))


def pictures(n=20):
    return np.random.default_rng(0).normal(size=(n, 6, 7, 1)).astype("float32")


features_of = features.forward


def test_classifier_is_a_linear_map_of_the_flattened_features():
    body = backbone()
    assert body.output_shape[1:] == SHAPE
    model = heads.classifier(body, 5, name="five")
    assert model.name == "five" and model.output_shape == (None, 5)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("logits").weights)
    model.get_layer("logits").bias.assign(bias := np.arange(5.0))
    expected = features_of(body, pictures()).reshape(20, -1) @ kernel + bias
    np.testing.assert_allclose(features_of(model, pictures()), expected, rtol=1e-4, atol=1e-4)


def test_classifier_returns_logits_and_no_probabilities():
    logits = features_of(heads.classifier(backbone(), 5), 100 * pictures())
    assert logits.dtype == np.float32
    assert logits.min() < 0 and logits.max() > 1


def test_classifier_stands_on_the_backbone_itself():
    body = backbone()
    model = heads.classifier(body, 5)
    assert all(any(weight is other for other in model.weights) for weight in body.weights)
    assert len(model.trainable_variables) == len(body.trainable_variables) + 2


def test_dropout_is_there_where_it_is_wanted_and_only_in_training():
    body = backbone()
    plain, dropped = heads.classifier(body, 5), heads.classifier(body, 5, dropout=0.5)
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in plain.layers)
    assert [layer.rate for layer in dropped.layers if isinstance(layer, keras.layers.Dropout)] == [0.5]
    dropped.get_layer("logits").set_weights(plain.get_layer("logits").get_weights())
    np.testing.assert_allclose(features_of(dropped, pictures()), features_of(plain, pictures()), rtol=1e-5, atol=1e-6)
    trained = [np.asarray(dropped(pictures(), training=True)) for _ in range(2)]
    assert not np.allclose(*trained)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_network_starts_where_the_probe_ended(dropout):
    body = backbone()
    inputs, labels = pictures(60), np.arange(60) % 3
    inputs = inputs + labels[:, None, None, None]
    seen = features_of(body, inputs)
    seen = np.concatenate([seen[..., :3], np.full_like(seen[..., 3:], 2)], axis=-1)  # one that never varies
    probe = heads.best_probe((seen, labels), (seen, labels))
    model = heads.classifier(keras.Model(body.input, constant_last(body.output)), 3, dropout)
    assert not np.allclose(features_of(model, inputs), probe.scores(seen), atol=0.1)
    heads.start_from_probe(model, probe)
    expected = probe.scores(seen)
    assert expected.std() > 0.1
    np.testing.assert_allclose(features_of(model, inputs), expected, rtol=1e-3, atol=1e-3)
    assert np.array_equal(training.predict(model, inputs), probe.predict(seen))


def constant_last(x):
    return keras.ops.concatenate([x[..., :3], 0 * x[..., 3:] + 2], axis=-1)


def test_network_on_large_features_starts_where_the_probe_ended():
    probe = heads.linear_probe(*TRAIN, 0.1)
    model = heads.classifier(no_backbone(), 3)
    heads.start_from_probe(model, probe)
    inputs = VALIDATION[0].astype("float32")
    expected = probe.scores(inputs)
    np.testing.assert_allclose(features_of(model, inputs), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_of_two_classes_the_probe_keeps_one_difference_and_the_network_both_logits():
    train, validation = [(inputs[labels < 2], labels[labels < 2]) for inputs, labels in (TRAIN, VALIDATION)]
    probe = heads.linear_probe(*train, 0.1)
    model = heads.classifier(no_backbone(), 2)
    heads.start_from_probe(model, probe)
    inputs = validation[0].astype("float32")
    logits, expected = features_of(model, inputs), probe.scores(inputs)
    tolerance = 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, rtol=1e-3, atol=tolerance)
    np.testing.assert_allclose(logits.sum(axis=1), 0, atol=tolerance)


def test_network_that_started_from_a_probe_can_be_trained_and_saved(tmp_path):
    probe = heads.linear_probe(*TRAIN, 0.1)
    model = heads.classifier(no_backbone(), 3)
    heads.start_from_probe(model, probe)
    inputs, labels = VALIDATION[0].astype("float32"), VALIDATION[1]
    before = features_of(model, inputs)
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(
        features_of(keras.saving.load_model(tmp_path / "model.keras"), inputs), before, rtol=1e-5
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(inputs, labels, verbose=0)
    assert not np.allclose(features_of(model, inputs), before)


@pytest.mark.parametrize(("classes", "sides"), [(4, SHAPE), (3, (2, 3, 5))])
def test_probe_of_another_size_is_refused_and_changes_nothing(classes, sides):
    probe = heads.linear_probe(*TRAIN, 0.1)
    model = heads.classifier(no_backbone(sides), classes)
    before = model.get_weights()
    size = np.prod(sides)
    with pytest.raises(ValueError, match=rf"probe: got weights .*\(24, 3\), expected \({size}, {classes}\)"):
        heads.start_from_probe(model, probe)
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))


def test_folds_choose_c_among_the_labels_and_judge_by_what_was_left_out():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    features = rng.normal(size=(40, 3)) + 4 * labels[:, None]
    probe = heads.probe_by_folds(features, labels, C=(1e-1, 1e-3))
    assert probe.C in (1e-1, 1e-3) and probe.validation_score > 0.9
    assert probe.score(features, labels) > 0.9
    meaningless = heads.probe_by_folds(rng.normal(size=(40, 200)), labels, C=(1.0,))
    assert meaningless.validation_score < 0.8  # though it knows its own examples by heart
    few = heads.probe_by_folds(features[[0, 1, 20, 21]], [0, 0, 1, 1], C=(1.0,))
    assert few.C == 1.0


@pytest.mark.parametrize("bad", [{"C": ()}, {"folds": 1}, {"labels": [0, 0, 1]}])
def test_folds_need_settings_and_two_examples_of_each_class(bad):
    arguments = {"features": np.eye(3), "labels": [0, 1, 1], "C": (1.0,)} | bad
    with pytest.raises(ValueError, match="C|folds"):
        heads.probe_by_folds(**arguments)


def test_standardise_measures_the_features_and_leaves_the_head():
    model = heads.classifier(no_backbone(), 3)
    before = model.get_layer("logits").get_weights()
    inputs = TRAIN[0].astype("float32")
    inputs[..., 0] = 7.0  # never varies
    heads.standardise(model, inputs)
    scaled = keras.Model(model.input, model.get_layer("standardise").output)
    expected = standardised(inputs, inputs)
    varying = np.isfinite(expected).all(axis=0)
    assert 0 < varying.sum() < len(varying)
    found = features_of(scaled, inputs)
    np.testing.assert_allclose(found[:, varying], expected[:, varying], atol=1e-2)
    assert np.abs(features_of(scaled, inputs + 1)[:, ~varying]).max() < 1.01, "no blow-up where nothing varied"
    for old, new in zip(before, model.get_layer("logits").get_weights(), strict=True):
        assert np.array_equal(old, new)
    with pytest.raises(ValueError, match="features: got 12 numbers an example, expected 24"):
        heads.standardise(model, inputs[:, :1])


def test_training_on_large_raw_features_warns_and_on_measured_ones_does_not():
    inputs, labels = TRAIN[0].astype("float32"), TRAIN[1]
    batches = training.Batches([inputs], labels)
    model = heads.classifier(no_backbone(), 3)
    size = heads.features_left_raw(model, inputs)
    assert size == pytest.approx(np.sqrt(np.square(inputs).mean()), rel=1e-3) and size > 10
    with pytest.warns(UserWarning, match=r"the head of classifier meets features of size \d+, not standardised"):
        training.fit(model, batches, (inputs, labels), 1, 1e-3)
    assert heads.features_left_raw(model, inputs / 1000) is None
    heads.standardise(model, inputs)
    assert heads.features_left_raw(model, inputs) is None
    assert heads.features_left_raw(no_backbone(), inputs) is None, "no layer to be given anything"
