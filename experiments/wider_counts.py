"""The counts of words of `next_product` with wider grids: same products, folds, labels and texts that choose.

In most runs of `next_product` the best setting of `tfidf_source`, the strongest control there, lay at the edge of its
grid, and that of `tfidf` in many: a better one may lie outside. Here the grids go at least ten times further on every
side.

They were widened after the test had been seen, and there are no further products. So the old rows stay as they are,
and only the controls get more to choose from: that can make a gain over them smaller, and was done for no network.

Run it with `python -m experiments.wider_counts`. Chapter 5.2 reads it.
"""

import itertools

from experiments import next_product, product_reviews
from experiments.protocol import Arm, Experiment
from tlbook import evaluation

TFIDF_C = (1e-2, *next_product.TFIDF_C, 1e4, 1e5)
WEIGHTS = (0.003, 0.01, *next_product.WEIGHTS, 3.0, 10.0)
SOURCE_C = (0.003, 0.03, *next_product.SOURCE_C, 300.0)

EXPERIMENT = Experiment(
    name="wider_counts",
    question="Do counts of words with wider grids reach more on the next product?",
    unit="product",
    arms={
        "tfidf_wide": Arm(fit=product_reviews.tfidf, grid=TFIDF_C, pretraining="none"),
        "tfidf_source_wide": Arm(
            fit=next_product.tfidf_source, grid=itertools.product(WEIGHTS, SOURCE_C), pretraining="none"
        ),
    },
    design=next_product.EXPERIMENT.design,
    load=next_product.load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
