"""What `experiments.shared_search` searches: the rate, the weight decay and the depth of a fine-tuning, on drawings.

A small network was pretrained on drawings of other classes, and is fine-tuned on a few labelled drawings of the ten
classes. Other drawings of these classes choose. Everything comes with the package, so a worker downloads nothing.
"""

import functools

import keras
import numpy as np

from experiments import code_digest, pretraining
from tlbook import backbones, data, evaluation, heads, training
from tlbook.data import emoji10
from tlbook.files import cache

RATES, DECAYS, DEPTHS = (1e-4, 3e-2), (1e-6, 1e-1), ("head", "last stage", "everything")
LEARNS = {"head": (), "last stage": ("stage3",), "everything": ("stage1", "stage2", "stage3")}
LABELS, EPOCHS, BATCH = 200, 6, 32
PRETRAINING = {"epochs": 4, "learning_rate": 3e-3}


def settings_at(place, seed):
    """Return what the random search tries at a place, 0, 1, 2, ...; it depends on the place and the seed alone."""
    rng = np.random.default_rng([seed, place])
    rate, decay = (float(np.exp(rng.uniform(*np.log(ends)))) for ends in (RATES, DECAYS))
    return {"rate": rate, "decay": decay, "depth": DEPTHS[rng.integers(len(DEPTHS))]}


def suggested(trial):
    """Return the settings of an Optuna trial: those that were queued with it, else what the sampler proposes."""
    return {
        "rate": trial.suggest_float("rate", *RATES, log=True),
        "decay": trial.suggest_float("decay", *DECAYS, log=True),
        "depth": trial.suggest_categorical("depth", DEPTHS),
    }


def judge(settings, seed):
    """Fine-tune with some settings; return the accuracy on the drawings that choose, 0 where the loss left numbers."""
    keras.utils.clear_session()  # earlier trials of this worker
    keras.utils.set_random_seed(seed)
    train, choose, _ = pictures()
    body = pretrained()
    for layer in body.layers:
        layer.trainable = layer.name.startswith(LEARNS[settings["depth"]])
    model = heads.classifier(body, len(emoji10.CLASS_NAMES))
    batches = training.Batches([train.images, train.images[:, :, ::-1]], train.labels, BATCH, seed)
    falling = training.warmup_cosine(settings["rate"], EPOCHS * len(batches))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(falling, weight_decay=settings["decay"]), loss)
    try:
        training.run(model, batches, EPOCHS)
    except FloatingPointError:
        return 0.0
    return float(evaluation.accuracy(choose.labels, training.predict(model, choose.images)))


@functools.cache
def pictures():
    """Return `(labelled drawings, drawings that choose, source)`."""
    dataset = data.load_emoji10()
    return data.subset(dataset.train, LABELS, 0), dataset.validation, dataset.source


def pretrained():
    """Return the small network after its pretraining, which happens once in a cache."""
    images, labels, names = emoji10.source_pictures()
    body = backbones.small_cnn()

    def train():
        model = heads.classifier(body, len(names))
        learn, watch = data.split_off(data.Split(images, labels), 4 * len(names))
        batches = training.Batches([learn.images, learn.images[:, :, ::-1]], learn.labels)
        training.fit(model, batches, (watch.images.astype("float32"), watch.labels), **PRETRAINING)

    key = cache.fingerprint(images, labels, text=[str(PRETRAINING), code_digest.digest(pretrained)])
    pretraining.weights_once(f"search-{key}", body, train)
    return body
