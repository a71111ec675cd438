"""A language model with one table: what it shares, what it reads, and that it learns."""

import keras
import numpy as np
import pytest

from tlbook.methods import tied_language as tied


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_the_head_shares_the_vectors_of_what_is_read():
    model = tied.language_model(20, 8)
    assert len(model.get_weights()) == len(model.trainable_variables) == 5, "the shared vectors stand there once"
    assert model.count_params() == tied.reader(model).count_params() + 20
    inputs = np.array([[0, 3, 4]], "int32")
    states = keras.ops.convert_to_numpy(tied.reader(model)(inputs))
    vectors = keras.ops.convert_to_numpy(model.get_layer("embedding").embeddings)
    logits = keras.ops.convert_to_numpy(model(inputs, training=False))
    assert np.allclose(logits, states @ vectors.T, atol=1e-5)
    for size, units in ((2, 8), (20, 0)):
        with pytest.raises(ValueError, match="size, units"):
            tied.language_model(size, units)


def test_texts_are_scored_alone_whatever_stands_beside_them():
    model = tied.language_model(20, 8)
    texts = [[3, 4, 5, 6, 7], [], [8]]
    together, alone = tied.score_texts(model, texts), [tied.score_texts(model, [text])[0] for text in texts]
    assert [len(part) for part in together] == [6, 1, 2]
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(together, alone, strict=True))
    with pytest.raises(ValueError, match="texts"):
        tied.score_texts(model, [])


def test_it_learns_what_follows_what():
    model, texts, epochs = tied.language_model(12, 16, dropout=0.0), [[3, 4, 5]] * 200, []
    before = np.mean(np.concatenate(tied.score_texts(model, texts[:1])))
    tied.train(model, texts, 4, 3e-2, batch_size=2, on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    after = np.mean(np.concatenate(tied.score_texts(model, texts[:1])))
    assert after > before + 0.5 and epochs == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="length"):
        tied.train(model, [[3]], 1, 1e-2)
    with pytest.raises(FloatingPointError, match="rate"):
        model.set_weights([weight * np.nan for weight in model.get_weights()])
        tied.train(model, texts, 1, 1e-2)


def test_it_begins_with_how_often_each_piece_was_seen():
    model, texts = tied.language_model(5, 4), [[3, 3, 4]] * 10
    model.get_layer("embedding").embeddings.assign(np.zeros((5, 4)))
    tied.start_from_frequencies(model, texts)
    (scores,) = tied.score_texts(model, [[3, 4, 2]])
    shares = np.array([21, 11, 1, 12]) / 46  # 30 pieces and 11 ends, and one more of each of the five
    assert np.allclose(np.exp(scores), shares, atol=1e-6)
