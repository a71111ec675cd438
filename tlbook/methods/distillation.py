"""Distillation: a small network learns from what a large one says, and from labels where there are any."""

import keras
import numpy as np

from tlbook import features, training

UNLABELLED = -1


def loss(logits, labels, teacher_logits, temperature=4.0, weight=0.9):
    """Return the loss of each example, a float32 tensor (n,).

    Parameters
    ----------
    logits, teacher_logits : array or tensor
        float32 (n, classes): what the student and the teacher say.
    labels : array or tensor
        Integers (n,). -1 means that nobody knows: there only the teacher speaks.
    temperature : float
        Both sides' logits are divided by it before the softmax, so that the small probabilities count as well.
    weight : float
        Of the teacher, 0..1. The labels have the rest.

    weight * temperature**2 * KL(teacher || student) + (1 - weight) * cross-entropy. Softening by T makes the gradients
    of the teacher's part T**2 times smaller; the factor gives that back. Source: Hinton et al. (2015), section 2.
    Taught in chapter 7.2.
    """
    ops = keras.ops
    logits, labels = ops.convert_to_tensor(logits, "float32"), ops.cast(labels, "int32")
    soft_teacher = ops.log_softmax(ops.convert_to_tensor(teacher_logits, "float32") / temperature)
    soft_student = ops.log_softmax(logits / temperature)
    teacher = ops.sum(ops.exp(soft_teacher) * (soft_teacher - soft_student), axis=-1)
    chosen = ops.one_hot(ops.maximum(labels, 0), logits.shape[-1])
    hard = -ops.sum(chosen * ops.log_softmax(logits), axis=-1) * ops.cast(labels >= 0, "float32")
    return weight * temperature**2 * teacher + (1 - weight) * hard


def distil(
    student,
    inputs,
    labels,
    teacher_logits,
    validation,
    epochs,
    learning_rate,
    temperature=4.0,
    weight=0.9,
    batch_size=64,
    seed=0,
):
    """Train a student on labels and on a teacher's logits, and return its history.

    Parameters
    ----------
    student : keras.Model
        Returns logits (n, classes). Its `trainable` flags say what learns.
    inputs : numpy.ndarray, or list of numpy.ndarray
        (n, ...); of a list, each epoch draws one variant of each example, as `tlbook.training.Batches` does.
    labels : numpy.ndarray
        Integers (n,), 0..classes - 1; -1 for an example without a label.
    teacher_logits : numpy.ndarray
        (n, classes), not probabilities: what the teacher says of the same examples, computed once.
    validation : tuple
        (inputs, integer labels). It is watched, and chooses nothing.
    epochs : int
        Passes over `inputs`.
    learning_rate : float
        The peak of `tlbook.training.warmup_cosine`; the optimizer is Adam, as in `tlbook.training.fit`.
    temperature, weight : float
        As in `loss`. With weight 0 the teacher is not heard: this is the control, with nothing else changed.
    batch_size : int
        Examples a step.
    seed : int
        Of the order of the examples, and of their variants.

    Returns
    -------
    dict of str to list of float
        loss, val_loss and val_accuracy, one number an epoch; val_loss is the plain cross-entropy.

    Raises `ValueError` for a temperature that is not above 0, a weight outside 0..1, shapes that disagree, logits that
    are not finite, labels that are no class, and weight 0 with labels missing; `FloatingPointError` where the loss is
    no longer a number. Source: Hinton et al. (2015). Taught in chapter 7.2.
    """
    variants = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    labels, teacher_logits = np.asarray(labels), np.asarray(teacher_logits, "float32")
    _check(len(variants[0]), student.output_shape[-1], labels, teacher_logits, temperature, weight)
    # Keras hands one array of targets to a loss: labels in its first column, logits in the others.
    batches = training.Batches(variants, np.column_stack([labels, teacher_logits]), batch_size, seed)

    def of_targets(targets, logits):
        return loss(logits, targets[:, 0], targets[:, 1:], temperature, weight)

    student.compile(keras.optimizers.Adam(training.warmup_cosine(learning_rate, epochs * len(batches))), of_targets)
    watched = {"val_loss": [], "val_accuracy": []}

    def watch(epoch, logs):
        logits = features.forward(student, validation[0])
        plain = loss(logits, validation[1], np.zeros_like(logits), weight=0.0)
        watched["val_loss"].append(float(np.mean(keras.ops.convert_to_numpy(plain))))
        watched["val_accuracy"].append(float(np.mean(logits.argmax(axis=1) == validation[1])))

    return training.run(student, batches, epochs, on_epoch_end=watch) | watched


def _check(n, classes, labels, teacher_logits, temperature, weight):
    if not temperature > 0:
        raise ValueError(f"temperature: got {temperature}, expected a number above 0")
    if not 0 <= weight <= 1:
        raise ValueError(f"weight: got {weight}, expected a number in 0..1")
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels: got {labels.dtype} of shape {labels.shape}, expected {n} integers")
    if labels.min() < UNLABELLED or labels.max() >= classes:
        raise ValueError(f"labels: got {labels.min()}..{labels.max()}, expected {UNLABELLED}..{classes - 1}")
    if teacher_logits.shape != (n, classes):
        raise ValueError(f"teacher_logits: got shape {teacher_logits.shape}, expected {(n, classes)}")
    if not np.isfinite(teacher_logits).all():
        raise ValueError("teacher_logits: got numbers that are not finite (NaN or infinity)")
    if weight == 0 and (labels == UNLABELLED).any():
        raise ValueError("weight: got 0 with labels missing: nobody would teach those examples")
