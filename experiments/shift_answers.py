"""What the arms of `map_shift` share: how a rate is chosen, and the answers that are judged."""

from experiments import map_training, shifted_pictures
from experiments.protocol import Fitted
from tlbook import evaluation


def answered(task, logits_of, judged, **said):
    """Return what an arm returns: logits of every kind of picture, as they come and divided by the temperature.

    `judged` are logits of the pictures that choose, and their labels.
    """
    warmth = evaluation.temperature(*judged)

    def predict(inputs):
        found = {name: logits_of(images) for name, images in inputs.items()}
        return {name: (logits, logits / warmth) for name, logits in found.items()}

    return Fitted(predict=predict, **said | {"figures": said["figures"] | {"temperature": warmth}})


def tested(cost):
    """Return the 1e12 multiply-adds of the test, of a network with that cost."""
    return {"test_tmac": cost * sum(map(len, shifted_pictures.conditions().values())) / 1e12}


def choose_and_train(model, batches, judged, labels, grid, epochs, choosing):
    """Choose a rate by a cycle of a part, `choosing`, of the epochs, train with it from the same start; leave it so.

    Returns how many pictures were shown in all, the rate, and the accuracy of the trained model on those that chose.
    """
    start, shown, scores = model.get_weights(), 0, {}
    for rate in sorted(grid):
        model.set_weights(start)
        shown += map_training.train(model, batches(), max(1, round(choosing * epochs)), rate)
        scores[rate] = evaluation.accuracy(labels, judged().argmax(axis=1))
    rate = max(scores, key=scores.get)
    model.set_weights(start)
    shown += map_training.train(model, batches(), epochs, rate)
    return shown, rate, evaluation.accuracy(labels, judged().argmax(axis=1))
