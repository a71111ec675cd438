"""Evaluation: predictions against labels, of pictures or pixels, entities against tags, strings against strings,
probabilities against outcomes; and how far few seeds and few test examples can be trusted.
"""

from tlbook.evaluation.calibration import calibration_error, negative_log_likelihood, reliability, temperature
from tlbook.evaluation.classes import accuracy, confusion, recall
from tlbook.evaluation.controls import against_strongest
from tlbook.evaluation.entities import entity_errors, entity_f1, entity_scores, token_accuracy
from tlbook.evaluation.intervals import agree, crossed, interval, packed_right, paired, unpacked_right, verdict
from tlbook.evaluation.lead import break_even, worth
from tlbook.evaluation.pixels import class_iou, picture_iou
from tlbook.evaluation.proportions import bootstrap, mcnemar, wilson
from tlbook.evaluation.ranking import kendall
from tlbook.evaluation.speakers import one_shot
from tlbook.evaluation.strings import edit_distance, edits, word_error_rate

__all__ = [
    "accuracy",
    "against_strongest",
    "agree",
    "bootstrap",
    "break_even",
    "calibration_error",
    "class_iou",
    "confusion",
    "crossed",
    "edit_distance",
    "edits",
    "entity_errors",
    "entity_f1",
    "entity_scores",
    "interval",
    "kendall",
    "mcnemar",
    "negative_log_likelihood",
    "one_shot",
    "packed_right",
    "paired",
    "picture_iou",
    "recall",
    "reliability",
    "temperature",
    "token_accuracy",
    "unpacked_right",
    "verdict",
    "wilson",
    "word_error_rate",
    "worth",
]
