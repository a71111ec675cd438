"""A body with shuffled weights, beside the frozen ones of `spoken_digits`: same speakers, recordings and rehearsal.

Each array of the pretrained network is shuffled within itself. What `pretrained_frozen` gains over this, the order of
the numbers did; what this gains over `random_frozen`, their sizes did.

The arm stands in a file of its own because a new one in `spoken_digits` would make its rows stale. Arm and grid were
written down before any of it was run.

Run it with `python -m experiments.digit_controls`. Chapter 5.7 reads it.
"""

from experiments import spoken_digits
from experiments.protocol import Experiment
from experiments.shuffled_weights import shuffle
from tlbook import evaluation


def shuffled(pretrained, train, setting, seed):
    """Fit a logistic regression on the features of the pretrained body with its weights shuffled."""
    network = shuffle(spoken_digits.new_classifier(), pretrained.get_weights(), seed)
    return spoken_digits.frozen(network, train, setting, seed)


EXPERIMENT = Experiment(
    name="digit_controls",
    question="What does a body reach for a new speaker that has the sizes of pretrained weights and not their order?",
    unit="speaker",
    arms={"shuffled_frozen": spoken_digits.arm(shuffled, spoken_digits.PROBE_C, "measured")},
    design=spoken_digits.EXPERIMENT.design,
    load=spoken_digits.load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
