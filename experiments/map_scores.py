"""Scores over the map: LogME and others, from cached features and labels alone, to be held against what probes reached.

The candidates are the layers of `map_frozen`, thirteen convolutions at four resolutions, 2,048 numbers each; 56 with
`linear_probe`, which reads `block4_pool`. For the labels that a row of `map_frozen` learned from, with the same
`arm`, `resolution`, `n_train` and `seed`, a row here has scores that train nothing:

- `logme`, `h_score` (`tlbook.methods.transferability`), on plain pictures, as everything here;
- `cka`: linear CKA (Kornblith et al., 2019) between the features and the labels, as ones in ten columns: whether
  pictures that are near each other are of one class;
- `cka_last`: the same between the features and those of `block5_conv3` at the same resolution: how much of what the end
  of the network says is here already. It knows no label.

What answers the question, laid down before any row: Kendall's tau between each score and `test_accuracy` of
`map_frozen`, over the candidates, for each size, its interval over seeds and candidates (`tlbook.evaluation.kendall`);
and the difference of each tau from that of the strongest control. A second tau within each resolution says whether a
score finds the depth, one within each layer whether it finds the resolution. *LogME works here* where its tau is above
zero and not below that of the strongest control; otherwise the page says that it is below, or that zero is inside.
How Kornblith's other claim (better on ImageNet, better elsewhere) fares cannot be tested with one network.

- The strongest control is `validation_accuracy` of `map_frozen`'s own rows, inside the same labels: what a score saves
  is its computing. The cheap control is `mmac`, million multiply-adds a picture: "the larger the better".
- The positive control is that same validation accuracy: if its tau is not far above zero, no score can be judged, as
  the candidates are too alike. `test_accuracy` must differ by more than its interval between best and worst.

No test picture is looked at here, and nothing is chosen. Features come from the folder that `map_frozen` fills; what is
missing there is computed. `seconds_...` are CPU seconds.

Planned, in minutes of one core: 280 rows with 1,000 labels, 4 s each, 19; with 100 labels, 3; where the features are
not there yet, 40 more, those that `map_task` plans for `map_frozen`.

Run it with `python -m experiments.map_scores`, after `map_frozen`. Chapter 4.8 reads it.
"""

import time

import numpy as np

from experiments import map_frozen, map_task
from experiments.protocol import Measurement
from tlbook import evaluation, results
from tlbook.backbones import vgg16
from tlbook.methods import transferability

LAYERS = {"linear_probe": "block4_pool"} | {name: name for name in vgg16.CONVOLUTIONS}
LAST = "block5_conv3"


def measure(arm, resolution, n_train, seed):
    """Return the scores of one layer at one resolution, on the labels of one seed."""
    task, _ = map_task.load(resolution, n_train, seed)
    found = [map_frozen.features_of(images, resolution) for images in task.pool]
    read = {name: map_frozen.layers_of(found, (name,), task.positions)[0] for name in (LAYERS[arm], LAST)}
    mine, last = (read[name].astype("float64") for name in (LAYERS[arm], LAST))
    labels, figures = task.train.labels, {"mmac": map_frozen.multiply_adds(resolution, LAYERS[arm]) / 1e6}
    scores = {
        "logme": lambda: transferability.logme(mine, labels),
        "h_score": lambda: transferability.h_score(mine, labels),
        "cka": lambda: cka(mine, np.eye(10)[labels]),
        "cka_last": lambda: cka(mine, last),
    }
    for name, score in scores.items():
        start = time.process_time()
        figures[name] = round(float(score()), 6)
        figures[f"seconds_{name}"] = round(time.process_time() - start, 3)
    return figures | {"source": task.source}


def cka(one, other):
    """Return the linear CKA of two sets of features (n, ...) of the same examples, 0..1.

    How much the examples' similarities agree: 1 where the features are the same up to turning and scaling, 0 where
    knowing one tells nothing linear of the other. Source: Kornblith et al. (2019), equation 4 and 5.
    """
    grams = [centred(each.reshape(len(each), -1).astype("float64")) for each in (one, other)]
    grams = [each @ each.T for each in grams]
    lengths = np.linalg.norm(grams[0]) * np.linalg.norm(grams[1])
    return float(np.vdot(*grams) / lengths) if lengths else float("nan")


def centred(features):
    """Return features with mean zero."""
    return features - features.mean(axis=0)


EXPERIMENT = Measurement(
    name="map_scores",
    question="Do scores that train nothing find the layer and the resolution from which a probe reads best?",
    design={
        "resolution": map_frozen.RESOLUTIONS,
        "n_train": (1_000, 100),
        "arm": tuple(LAYERS),
        "seed": (0, 1, 2, 3, 4),
    },
    measure=measure,
    fresh=False,
)

if __name__ == "__main__":
    keys = ["arm", "resolution", "n_train", "seed"]
    table = EXPERIMENT.record().merge(results.so_far("map_frozen", (*keys, "test_accuracy"))[[*keys, "test_accuracy"]])
    print(f"{len(EXPERIMENT.configurations()) - len(table)} candidates have no row in map_frozen so far")
    scores = ["logme", "h_score", "cka", "cka_last", "mmac"]
    for n_train, rows in table.groupby("n_train"):
        wide = rows.pivot_table([*scores, "test_accuracy"], "seed", ["arm", "resolution"]).dropna(axis=1)
        for score in scores:
            tau, low, high = evaluation.kendall(wide[score], wide["test_accuracy"])
            print(f"{n_train:>6,} labels, {score:>8}: tau {tau:.2f} ({low:.2f} to {high:.2f})")
