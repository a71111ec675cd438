"""Heads: the probe is scikit-learn's, the classifier returns logits, and one can start where the other ended."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tlbook import heads, training

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


# Few and noisy, so that the strength of the penalty matters.
TRAIN, VALIDATION = blobs(60, noise=2, seed=4), blobs(150, noise=2, seed=104)


def standardised(features, like):
    features, like = (np.asarray(array, "float64").reshape(len(array), -1) for array in (features, like))
    return (features - like.mean(axis=0)) / like.std(axis=0)


def fit_by_hand(strength):
    """Logistic regression on features that NumPy standardised: `(regression, accuracy on the validation set)`."""
    regression = LogisticRegression(C=strength, max_iter=1000, tol=1e-6)
    regression.fit(standardised(TRAIN[0], TRAIN[0]), TRAIN[1])
    predicted = regression.predict(standardised(VALIDATION[0], TRAIN[0]))
    return regression, np.mean(predicted == VALIDATION[1])


@pytest.mark.parametrize("strength", [1e-3, 0.1])
def test_probe_is_a_logistic_regression_on_standardised_features(strength):
    probe = heads.linear_probe(TRAIN, VALIDATION, [strength])
    expected, accuracy = fit_by_hand(strength)
    inputs = standardised(VALIDATION[0], TRAIN[0])
    flat = VALIDATION[0].reshape(150, -1)
    np.testing.assert_allclose(probe.predict_proba(flat), expected.predict_proba(inputs), atol=0.01)
    assert probe.strength == strength
    assert probe.validation_accuracy == pytest.approx(accuracy, abs=1.5 / 150), "one picture at most on the fence"


def test_probe_minimises_the_penalised_loss():
    """At the minimum of C times the cross-entropy plus half the squared weights, the gradient is zero."""
    strength = 0.05
    probe = heads.linear_probe(TRAIN, VALIDATION, [strength])
    inputs, one_hot = standardised(TRAIN[0], TRAIN[0]), np.eye(3)[TRAIN[1]]
    scores = inputs @ probe[-1].coef_.T + probe[-1].intercept_
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    gradient = strength * (softmax - one_hot).T @ inputs + probe[-1].coef_
    at_zero = strength * (1 / 3 - one_hot).T @ inputs
    assert np.abs(gradient).max() < 0.02 * np.abs(at_zero).max()


def test_validation_set_chooses_the_strength():
    strengths = np.logspace(-5, 3, 9)
    accuracies = [heads.linear_probe(TRAIN, VALIDATION, [strength]).validation_accuracy for strength in strengths]
    best = int(np.argmax(accuracies))
    assert 0 < best < 8 and accuracies[0] < accuracies[best] > accuracies[-1], "the test needs a choice that matters"
    probe = heads.linear_probe(TRAIN, VALIDATION, strengths)
    assert probe.strength == strengths[best] and probe.validation_accuracy == accuracies[best]
    np.testing.assert_array_equal(probe[-1].coef_, heads.linear_probe(TRAIN, VALIDATION, [strengths[best]])[-1].coef_)
    assert probe.validation_accuracy == np.mean(probe.predict(VALIDATION[0].reshape(150, -1)) == VALIDATION[1])


def test_chosen_by_the_validation_set_and_not_by_the_training_set():
    """The training set would always take the weakest penalty."""
    swapped = heads.linear_probe(TRAIN, TRAIN, np.logspace(-5, 3, 9))
    assert swapped.strength > heads.linear_probe(TRAIN, VALIDATION, np.logspace(-5, 3, 9)).strength


@pytest.mark.parametrize("strengths", [(0.01, 0.1, 1.0), (1.0, 0.1, 0.01)])
def test_smallest_strength_wins_a_tie(strengths):
    easy = blobs(30, noise=0.01)
    probe = heads.linear_probe(easy, easy, strengths)
    assert probe.validation_accuracy == 1 and probe.strength == 0.01


def test_probe_without_a_strength_to_try_is_refused():
    examples = np.eye(4, dtype="float32"), np.array([0, 0, 1, 1])
    with pytest.raises(ValueError, match="strengths: got none"):
        heads.linear_probe(examples, examples, strengths=())


def test_probe_takes_flat_features_and_lists():
    expected = heads.linear_probe(TRAIN, VALIDATION)
    flat = [(features.reshape(len(features), -1).tolist(), labels.tolist()) for features, labels in (TRAIN, VALIDATION)]
    got = heads.linear_probe(*flat)
    np.testing.assert_allclose(got[-1].coef_, expected[-1].coef_, rtol=1e-4, atol=1e-6)


def test_probe_standardises_by_the_training_set_alone():
    shifted = VALIDATION[0].astype("float32") + 1000, VALIDATION[1]
    probe = heads.linear_probe(TRAIN, shifted, [0.1])
    np.testing.assert_allclose(probe[0].mean_, TRAIN[0].astype("float64").reshape(60, -1).mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("part", [0, 1])
def test_probe_refuses_features_that_are_no_numbers(bad, part):
    parts = [TRAIN, VALIDATION]
    features = parts[part][0].copy()
    features[3, 1, 1, 1] = bad
    parts[part] = features, parts[part][1]
    with pytest.raises(ValueError, match="NaN|infinity"):
        heads.linear_probe(*parts)


def test_probe_needs_two_classes():
    with pytest.raises(ValueError, match="at least 2 classes"):
        heads.linear_probe((TRAIN[0], np.zeros(60, int)), VALIDATION)


def test_probe_needs_a_label_for_each_picture():
    with pytest.raises(ValueError, match=r"\[60, 59\]"):
        heads.linear_probe((TRAIN[0], TRAIN[1][:-1]), VALIDATION)


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


def features_of(model, inputs):
    return np.asarray(model(inputs, training=False))


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
    features = features_of(body, inputs)
    features = np.concatenate([features[..., :3], np.full_like(features[..., 3:], 2)], axis=-1)  # one that never varies
    probe = heads.linear_probe((features, labels), (features, labels))
    model = heads.classifier(keras.Model(body.input, constant_last(body.output)), 3, dropout)
    assert not np.allclose(features_of(model, inputs), probe.decision_function(features.reshape(60, -1)), atol=0.1)
    heads.start_from_probe(model, probe)
    expected = probe.decision_function(features.reshape(60, -1))
    assert expected.std() > 0.1
    np.testing.assert_allclose(features_of(model, inputs), expected, rtol=1e-3, atol=1e-3)
    assert np.array_equal(training.predict(model, inputs), probe.predict(features.reshape(60, -1)))


def constant_last(x):
    return keras.ops.concatenate([x[..., :3], 0 * x[..., 3:] + 2], axis=-1)


def test_network_on_large_features_starts_where_the_probe_ended():
    probe = heads.linear_probe(TRAIN, VALIDATION)
    model = heads.classifier(no_backbone(), 3)
    heads.start_from_probe(model, probe)
    inputs = VALIDATION[0].astype("float32")
    expected = probe.decision_function(inputs.reshape(150, -1))
    np.testing.assert_allclose(features_of(model, inputs), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_of_two_classes_the_probe_keeps_one_difference_and_the_network_both_logits():
    train, validation = [(inputs[labels < 2], labels[labels < 2]) for inputs, labels in (TRAIN, VALIDATION)]
    probe = heads.linear_probe(train, validation)
    model = heads.classifier(no_backbone(), 2)
    heads.start_from_probe(model, probe)
    inputs = validation[0].astype("float32")
    logits, expected = features_of(model, inputs), probe.decision_function(inputs.reshape(len(inputs), -1))
    tolerance = 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, rtol=1e-3, atol=tolerance)
    np.testing.assert_allclose(logits.sum(axis=1), 0, atol=tolerance)


def test_network_that_started_from_a_probe_can_be_trained_and_saved(tmp_path):
    probe = heads.linear_probe(TRAIN, VALIDATION)
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
    probe = heads.linear_probe(TRAIN, VALIDATION)
    model = heads.classifier(no_backbone(sides), classes)
    before = model.get_weights()
    size = np.prod(sides)
    with pytest.raises(ValueError, match=rf"probe: got weights .*\(24, 3\), expected \({size}, {classes}\)"):
        heads.start_from_probe(model, probe)
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
