"""The tagger: what it gives for a word, what padding must not change, what moves and stays, what a batch holds."""

import logging

import keras
import numpy as np
import pytest

from tlbook import evaluation
from tlbook.backbones import recurrent
from tlbook.inputs import tokens
from tlbook.inputs.tags import Sentence
from tlbook.methods import tagger

NAMES = ("O", "B-X", "I-X")
SENTENCES = [
    Sentence(("Ada", "Lee", "sleeps"), ("B-X", "I-X", "O")),
    Sentence(("we", "met", "Bo", "in", "May", "."), ("O", "O", "B-X", "O", "O", "O")),
    Sentence(("Ada", "sings"), ("B-X", "O")),
    Sentence(("no", "names", "here", "."), ("O", "O", "O", "O")),
]


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def vocabulary():
    return tokens.vocabulary(SENTENCES)


@pytest.fixture
def body(vocabulary):
    return recurrent.tagger_body(len(vocabulary) + 2, units=8)


@pytest.fixture
def quick(vocabulary):
    """A body that reads each word for itself: how a tagger is trained does not depend on it, and it compiles fast."""
    inputs = recurrent.tagger_body(len(vocabulary) + 2).input
    vectors = keras.layers.Embedding(len(vocabulary) + 2, 16)(inputs["words"])
    return keras.Model(inputs, keras.ops.concatenate([vectors, keras.ops.one_hot(inputs["shapes"], 7)], axis=-1))


def batches(vocabulary, sentences=SENTENCES, **options):
    return tagger.SequenceBatches(sentences, vocabulary, NAMES, batch_size=2, **options)


def test_one_vector_a_word_whatever_stands_beside_the_sentence(body, vocabulary):
    together = tagger.outputs(body, SENTENCES, vocabulary, batch_size=3)
    assert [row.shape for row in together] == [(len(s), 16) for s in SENTENCES]
    for sentence, row in zip(SENTENCES, together, strict=True):
        (alone,) = tagger.outputs(body, [sentence], vocabulary)
        np.testing.assert_allclose(alone, row, atol=1e-5)


def test_padding_changes_neither_scores_nor_loss(body, vocabulary):
    model, found = tagger.with_head(body, 3), []
    for length in (6, 30):
        inputs, tags = tokens.encode(SENTENCES, vocabulary, NAMES, length)
        scores = np.array(model(inputs, training=False))
        found.append((scores[tags != tokens.NO_TAG], float(tagger.masked_loss(tags, scores))))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-5)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-5)


def test_loss_is_the_mean_over_words():
    logits = np.zeros((2, 3, 4), "float32")
    logits[0, 0, 1] = 50
    tags = np.array([[1, 2, -1], [3, -1, -1]], "int32")
    assert float(tagger.masked_loss(tags, logits)) == pytest.approx(2 * np.log(4) / 3, rel=1e-5)
    assert float(tagger.masked_loss(np.array([[-1, 1, -1]], "int32"), logits[:1])) == pytest.approx(np.log(4), rel=1e-5)


def test_words_on_both_sides_count(body, vocabulary):
    def first(*words):
        return tagger.outputs(body, [Sentence(words, "O" * len(words))], vocabulary)[0]

    assert not np.allclose(first("Ada", "sleeps")[0], first("Ada", "sings")[0], atol=1e-4), "the word behind"
    assert not np.allclose(first("Ada", "met")[1], first("we", "met")[1], atol=1e-4), "the word before"
    assert not np.allclose(first("ada", "met")[0], first("Ada", "met")[0], atol=1e-4), "the capital"
    assert not np.allclose(first("Oslo", "met")[0], first("Rome", "met")[0], atol=1e-4), "letters of unknown words"


def test_tags_are_names_one_a_word(body, vocabulary):
    model = tagger.with_head(body, 3)
    kernel = np.zeros((16, 3))
    model.get_layer("logits").set_weights([kernel, np.array([0.0, 0, 1])])
    assert tagger.tag(model, SENTENCES, vocabulary, NAMES) == [("I-X",) * len(s) for s in SENTENCES]


@pytest.fixture(scope="module")
def trained(vocabulary):
    """A copy of a body, trained: `(model, history, body, the body's weights before)`."""
    keras.utils.set_random_seed(0)
    body = recurrent.tagger_body(len(vocabulary) + 2, units=8)
    before = [weight.copy() for weight in body.get_weights()]
    model = tagger.with_head(recurrent.extend_vocabulary(body, vocabulary, vocabulary), 3)
    history = tagger.fit(model, batches(vocabulary, forget=0.0), SENTENCES, epochs=25, learning_rate=0.02)
    return model, history, body, before


def test_training_learns_and_keeps_the_best_epoch(trained, vocabulary):
    model, history, *_ = trained
    assert {name: len(values) for name, values in history.items()} == {"loss": 25, "val_accuracy": 26, "val_f1": 26}
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    true = [s.tags for s in SENTENCES]
    assert evaluation.entity_f1(true, tagger.tag(model, SENTENCES, vocabulary, NAMES)) == max(history["val_f1"]) > 0.9


@pytest.mark.parametrize(("f1s", "kept"), [([0.0, 0.2, 0.5, 0.5, 0.1], 3), ([0.6, 0.5, 0.1, 0.2, 0.3], 0)])
def test_the_last_of_the_best_epochs_is_kept_or_the_start(quick, vocabulary, monkeypatch, f1s, kept):
    model, seen, answers = tagger.with_head(quick, 3), [], iter(f1s)

    def f1(true, predicted):
        seen.append([weight.copy() for weight in model.get_weights()])
        return next(answers)

    monkeypatch.setattr(tagger.evaluation, "entity_f1", f1)
    history = tagger.fit(model, batches(vocabulary), SENTENCES, epochs=4, learning_rate=0.01)
    assert history["val_f1"] == f1s
    same = [all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights, strict=True)) for weights in seen]
    assert same == [epoch == kept for epoch in range(5)]


def test_no_name_in_validation_still_trains(quick, vocabulary):
    model = tagger.with_head(quick, 3)
    history = tagger.fit(model, batches(vocabulary), SENTENCES[3:], epochs=2, learning_rate=0.01)
    assert history["val_f1"] == [0.0] * 3 and len(history["loss"]) == 2, "nothing to find: no F1 counts as none"


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_loss_that_is_not_a_number_is_reported(quick, vocabulary):
    model = tagger.with_head(quick, 3)
    with pytest.raises(FloatingPointError, match="the loss of tagger became nan: lower the learning rate"):
        tagger.fit(model, batches(vocabulary), SENTENCES, epochs=3, learning_rate=float("nan"))


def test_moving_changes_nothing_and_new_words_start_as_the_unknown_one(body, vocabulary):
    larger = tokens.vocabulary([Sentence(("Oslo", "Ada"), "OO")], known=vocabulary)
    moved = recurrent.extend_vocabulary(body, vocabulary, larger)
    table, new_table = (m.get_layer("word_vectors").get_weights()[0] for m in (body, moved))
    assert len(new_table) == len(table) + 1 and np.array_equal(new_table[:-1], table)
    assert np.array_equal(new_table[-1], table[tokens.UNKNOWN])
    text = [*SENTENCES, Sentence(("Oslo", "is", "far"), "OOO")]
    for a, b in zip(tagger.outputs(body, text, vocabulary), tagger.outputs(moved, text, larger), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_copy_learns_alone(trained):
    model, _, body, before = trained
    assert all(np.array_equal(a, b) for a, b in zip(before, body.get_weights(), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights()[: len(before)], strict=True))


def test_others_hear_tensorflow_as_before(quick, vocabulary):
    logger = logging.getLogger("tensorflow")
    before, during = logger.level, []

    class Model(keras.Model):
        def predict_on_batch(self, x):
            during.append(logger.level)
            raise OSError("in the middle")

    with pytest.raises(OSError, match="in the middle"):
        tagger.tag(Model(quick.input, quick.output), SENTENCES, vocabulary, NAMES)
    assert during == [logging.ERROR] and logger.level == before != logging.ERROR


def test_another_vocabulary_is_refused(body, vocabulary):
    other = dict.fromkeys(["sings", *vocabulary])  # the same words in another order
    with pytest.raises(ValueError, match=r"new_vocabulary: got 13 words, expected the \d+ old ones first, in order"):
        recurrent.extend_vocabulary(body, vocabulary, other)
    with pytest.raises(ValueError, match="new_vocabulary: got 0 words"):
        recurrent.extend_vocabulary(body, vocabulary, {})


def test_head_is_the_regression_and_the_body_stays(body, vocabulary):
    model = tagger.with_head(body, 3)
    before = [weight.copy() for weight in body.get_weights()]
    probe = tagger.fit_head(model, body, SENTENCES, SENTENCES, vocabulary, NAMES, C=(1e-4, 1e2))
    f1 = probe.validation_score
    assert all(np.array_equal(a, b) for a, b in zip(before, body.get_weights(), strict=True))
    assert probe.C == 1e2 and f1 > 0.9, "so few words can be learnt by heart, if nothing holds back"
    assert evaluation.entity_f1([s.tags for s in SENTENCES], tagger.tag(model, SENTENCES, vocabulary, NAMES)) == f1


@pytest.mark.parametrize("missing", ["I-X", "B-X"])
def test_a_tag_without_an_example_never_wins(quick, vocabulary, missing):
    names = ("O", "B-X", "I-X")
    part = [s for s in SENTENCES if missing not in s.tags]
    if missing == "B-X":
        part = [Sentence(("a", "Lee"), ("O", "I-X"))]
    model = tagger.with_head(quick, 3)
    tagger.fit_head(model, quick, part, SENTENCES, vocabulary, names)
    assert missing not in {tag for tags in tagger.tag(model, SENTENCES, vocabulary, names) for tag in tags}


def test_a_head_needs_two_tags_and_a_C(quick, vocabulary):
    body, model = quick, tagger.with_head(quick, 3)
    with pytest.raises(ValueError, match="train: got only the tag 'O', expected two or more"):
        tagger.fit_head(model, body, SENTENCES[3:], SENTENCES, vocabulary, NAMES)
    with pytest.raises(ValueError, match="C: got none"):
        tagger.fit_head(model, body, SENTENCES, SENTENCES, vocabulary, NAMES, C=())
    with pytest.raises(ValueError, match="tags"):
        tagger.fit_head(model, body, SENTENCES, SENTENCES, vocabulary, ("O", "B-X"))


def many(n):
    """Sentences that say who they are: sentence i is i + 1 times the word w<i>."""
    return [
        Sentence((f"w{'abcdefghij'[i // 10]}{'abcdefghij'[i % 10]}",) * (i % 7 + 1), "O" * (i % 7 + 1))
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def known():
    """Fifty sentences and their vocabulary."""
    return many(50), tokens.vocabulary(many(50))


def test_every_sentence_once_an_epoch_in_a_new_order(known):
    batches = tagger.SequenceBatches(*known, NAMES, batch_size=8, forget=0.0)
    orders = []
    for _ in range(2):
        read = [batches[i] for i in range(len(batches))]
        assert len(read) == 7 and sorted(len(tags) for _, tags in read) == [2, 8, 8, 8, 8, 8, 8]
        orders.append([row for inputs, _ in read for row in inputs["words"][:, 0]])
        assert sorted(orders[-1]) == list(range(2, 52))
        for inputs, tags in read:
            assert ((inputs["words"] > 0) == (tags >= 0)).all()
            assert (tags >= 0).sum(1).max() == tags.shape[1], "padded to the longest of the batch"
        batches.on_epoch_end()
    assert orders[0] != orders[1]


def test_some_words_are_forgotten_and_padding_is_not(known):
    batches = tagger.SequenceBatches(*known, NAMES, forget=0.4)
    read = [batches[i] for i in range(len(batches))]
    words = np.concatenate([inputs["words"][tags >= 0] for inputs, tags in read])
    assert 0.25 < (words == tokens.UNKNOWN).mean() < 0.55
    assert all((inputs["words"][tags < 0] == tokens.PADDING).all() for inputs, tags in read)
    assert all((inputs["shapes"][tags >= 0] > 0).all() for inputs, tags in read), "the shape is still known"
    assert all(inputs["words"].dtype == np.int32 for inputs, _ in read)


def test_seed_says_which_sentences_and_words_are_drawn():
    def words(seed):
        batches = tagger.SequenceBatches(many(20), tokens.vocabulary(many(20)), NAMES, 4, seed=seed)
        return [batches[i][0]["words"].tolist() for i in range(len(batches))]

    assert words(1) == words(1) and words(1) != words(2)


def test_batches_of_nothing_or_unknown_tags_are_refused(vocabulary):
    with pytest.raises(ValueError, match="length: got 0"):
        tagger.SequenceBatches([], vocabulary, NAMES)
    with pytest.raises(ValueError, match="sentences: got the tags"):
        tagger.SequenceBatches(SENTENCES, vocabulary, ("O", "B-Y"))
