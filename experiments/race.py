"""The race: four ways from the same 10,000 labelled pictures to an accuracy, and what each point on the way cost.

- `article`: what the article does, only its defects mended (chapter 4.4): VGG16 at 32 pixels, two dense layers of
  4,096, everything trained at once by RMSprop, pictures varied as its generator varies them, batches of 32, ten epochs.
  At RMSprop's own rate of 1e-3 it never learns; `RMSPROP` is the largest rate of a pilot that does.
- `guide`: the two steps of Keras's guide to transfer learning as it stands in November 2026: a frozen base in the loop
  under a fresh dense layer, Adam, two epochs; then everything at 1e-5. The guide makes one epoch of the second step and
  says what ten are worth. Here it makes six, so that its course can be read beyond its end.
- `cached_block4`, `cached_blocks_3_4`: this book's way. The frozen part reads each picture and its mirror image once, a
  linear probe becomes the head, and the last block, or the last two, are trained on what was kept.
- `airbench`: a modern small network from fresh weights, as in `map_scratch`: the strongest control.

Nothing is chosen in the race: rates and epochs stand here, from pilots on other seeds. After each epoch the clock
stops, and a thousand validation pictures, unmirrored, say how far it has come. `course_seconds` are CPU seconds,
loading the weights and compiling included, `course_tmac` 1e12 multiply-adds (a training step is three forward passes,
of a frozen layer one), `course_accuracy` the shares that were right: numbers between blanks. The level of a way is its
mean accuracy at its end. The test, 2,500 pictures of `data.holdout`, is looked at once, at the end.

Run it with `python -m experiments.race`. Chapter 4.6 plots it.
"""

import functools
import time

import keras

from experiments import map_scratch, map_task, map_training, map_tuned
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads
from tlbook.backbones import airbench, vgg16
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import prefix

LABELS, JUDGES, TEST = 10_000, 1_000, 2_500
RMSPROP = 1e-5
EPOCHS = {"article": 10, "guide": (2, 6), "cached": 4, "airbench": 12}
WIDE = 4_096
RATES = {"cached": 1e-4, "airbench": 1e-2}
PROBE_C = 1e-3
BATCH = {"article": 32, "guide": 64, "cached": 64, "airbench": 128}
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def load(n_train, seed):
    """Return labelled pictures, those that judge each epoch, and the test."""
    dataset = data.load_cifar10(seed=seed)
    train = data.subset(dataset.train, min(n_train, len(dataset.train)), seed)
    judges = data.subset(dataset.validation, min(JUDGES, len(dataset.validation)), seed)
    holdout = data.holdout()
    test = data.subset(holdout, min(TEST, len(holdout)), 0)
    task = Task(train=train, validation=judges, n_choose=len(judges), source=dataset.source)
    return task, HeldOut(test.images, test.labels)


class Course:
    """What a way has spent and reached, point by point; the clock stands still while it is judged."""

    def __init__(self, judges):
        """Start the clock."""
        self.judges, self.points, self.work, self.begun = judges, [], 0.0, time.process_time()

    def note(self, model, work):
        """Add work, in multiply-adds, and let a model name the judges' pictures."""
        seconds = time.process_time() - self.begun
        self.work += work / 1e12
        right = evaluation.accuracy(self.judges.labels, classes_of(model, self.judges.images))
        self.points.append((seconds, self.work, right))
        self.begun = time.process_time() - seconds

    def after_epochs(self, model, work):
        """Return a callback that notes `model` after each epoch, which costs so much work."""
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self.note(model, work))

    def fitted(self, model):
        """Return what an arm returns."""
        names = ("course_seconds", "course_tmac", "course_accuracy")
        columns = zip(names, zip(*self.points, strict=True), strict=True)
        figures = {name: " ".join(f"{number:.4g}" for number in column) for name, column in columns}
        return Fitted(
            predict=functools.partial(classes_of, model),
            validation=self.points[-1][2],
            figures=figures | {"tmac": self.work},
        )


def classes_of(model, images):
    """Return the most probable class of each picture."""
    return features.forward(model, images).argmax(axis=1)


def article(task, arm, seed):
    """Train VGG16 and two wide dense layers at once."""
    keras.utils.set_random_seed(seed)
    course = Course(task.validation)
    layers = keras.layers
    x = inputs = keras.Input((32, 32, 3))
    for vary in (
        layers.RandomRotation(20 / 360, seed=seed),
        layers.RandomTranslation(0.1, 0.1, seed=seed),
        layers.RandomZoom(0.1, seed=seed),
        layers.RandomFlip("horizontal", seed=seed),
    ):
        x = vary(x)
    x = layers.Flatten()(vgg16.pretrained()[0](x))
    for _ in range(2):
        x = layers.Dense(WIDE, "relu")(x)
    model = keras.Model(inputs, layers.Dense(10)(x))
    model.compile(keras.optimizers.RMSprop(RMSPROP), LOSS, jit_compile=False)
    run(model, task.train, EPOCHS["article"], BATCH["article"], course, 3 * multiply_adds(model))
    return course.fitted(model)


def guide(task, arm, seed):
    """Train a dense layer over the frozen base, then everything at a low rate."""
    keras.utils.set_random_seed(seed)
    course = Course(task.validation)
    layers = keras.layers
    base = vgg16.pretrained()[0]
    base.trainable = False
    x = inputs = keras.Input((32, 32, 3))
    x = layers.RandomRotation(0.1, seed=seed)(layers.RandomFlip("horizontal", seed=seed)(x))
    x = layers.GlobalAveragePooling2D()(base(x, training=False))
    model = keras.Model(inputs, layers.Dense(10)(layers.Dropout(0.2, seed=seed)(x)))
    passes, (first, second) = multiply_adds(model), EPOCHS["guide"]
    model.compile(keras.optimizers.Adam(), LOSS, jit_compile=False)
    run(model, task.train, first, BATCH["guide"], course, passes)
    base.trainable = True
    model.compile(keras.optimizers.Adam(1e-5), LOSS, jit_compile=False)
    run(model, task.train, second, BATCH["guide"], course, 3 * passes)
    return course.fitted(model)


def run(model, train, epochs, batch_size, course, each):
    """Fit a compiled model on pictures, at a cost of so many multiply-adds a picture."""
    note = course.after_epochs(model, each * len(train))
    model.fit(train.images, train.labels, batch_size, epochs, verbose=0, callbacks=[note])


def cached(task, arm, seed, how):
    """Read every picture once, fit a probe, and train what comes after the cut."""
    keras.utils.set_random_seed(seed)
    course, labels = Course(task.validation), task.train.labels
    lower, upper = backbones.split(map_tuned.whole(32), map_tuned.CUTS[how])
    seen = prefix.cached(lower, task.train.images)
    model = map_training.compiled(heads.classifier(upper, 10, map_tuned.DROPOUT))
    heads.start_from_probe(model, map_task.fitted_probe(map_tuned.made_by(upper, seen.arrays), labels, PROBE_C))
    below, above = multiply_adds(lower), multiply_adds(model)
    whole = prefix.join(lower, model)
    course.note(whole, 2 * len(labels) * (below + above))
    batches = prefix.PrefixBatches(
        seen, map_training.one_hot(labels), BATCH["cached"], seed, shift=map_tuned.SHIFTS[how]
    )
    cycle(model, batches, EPOCHS["cached"], RATES["cached"], course, whole, 3 * above)
    return course.fitted(whole)


def from_scratch(task, arm, seed):
    """Train a small modern network from fresh weights."""
    course, images = Course(task.validation), task.train.images
    model = map_training.compiled(airbench.build(images, map_scratch.WIDTH, seed=seed))
    views = prefix.Prefixed(map_task.both_views(images), prefix.VIEWS, 0.0)
    hot = map_training.one_hot(task.train.labels)
    batches = prefix.PrefixBatches(views, hot, BATCH["airbench"], seed, shift=map_scratch.SHIFT)
    cycle(model, batches, EPOCHS["airbench"], RATES["airbench"], course, model, 3 * multiply_adds(model))
    return course.fitted(model)


def cycle(model, batches, epochs, rate, course, whole, each):
    """Train for one cycle; `whole`, of which the model may be a part, is judged after each epoch."""
    schedule = model.optimizer._learning_rate
    schedule.peak.assign(rate)
    schedule.steps.assign(epochs * len(batches))
    note = course.after_epochs(whole, each * len(batches.labels))
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[note])


EXPERIMENT = Experiment(
    name="race",
    question="How much computing does each way need from 10,000 labels to the same accuracy?",
    unit="seed",
    arms={
        "cached_block4": Arm(fit=functools.partial(cached, how="last_block"), pretraining="published"),
        "cached_blocks_3_4": Arm(fit=functools.partial(cached, how="last_two"), pretraining="published"),
        "airbench": Arm(fit=from_scratch, pretraining="none"),
        "guide": Arm(fit=guide, pretraining="published"),
        "article": Arm(fit=article, pretraining="published"),
    },
    design={"n_train": (LABELS,), "seed": (0, 1, 2)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
    fresh=True,
)

if __name__ == "__main__":
    print(EXPERIMENT.record()[["arm", "seed", "tmac", "cpu_seconds", "test_accuracy"]])
