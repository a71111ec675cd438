"""What the two benches of layers share: all inputs are read once by each frozen network, and each layer is probed.

An arm sees where the labelled inputs stand among those that were read, and their labels. What is read needs no label,
so reading is no secret. The axes of the probe, and its C, come from the labelled inputs alone, in folds.
"""

import functools

from experiments.protocol import Arm, Fitted
from tlbook import heads
from tlbook.methods import layers

SIZE = 64  # numbers that a probe reads of every layer
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def probed(task, arm, seed, readings, name):
    """Probe one layer of what `readings(task, seed)` gives: arrays by name, and what a row says."""
    found, said = readings(task, seed)
    seen = found[name]
    probe = heads.probe_by_folds(seen[task.train], task.labels, arm.grid, make=layers.matched(SIZE))
    return Fitted(
        predict=lambda positions: probe.predict(seen[positions]),
        validation=probe.validation_score,
        chosen=probe.C,
        **said,
    )


def arms(kind, readings, names, pretraining, **more):
    """Return an arm for each layer of one network, `{kind}_{layer}`."""
    return {
        f"{kind}_{name.replace(' ', '')}": Arm(
            fit=functools.partial(probed, readings=readings, name=name),
            grid=PROBE_C,
            pretraining=pretraining,
            **more,
        )
        for name in names
    }
