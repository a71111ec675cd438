"""Evaluation: predictions against labels, entities against tags, and how far a few seeds can be trusted."""

from tlbook.evaluation.classes import accuracy, confusion, recall
from tlbook.evaluation.controls import against_strongest
from tlbook.evaluation.entities import entity_errors, entity_f1, entity_scores, token_accuracy
from tlbook.evaluation.intervals import agree, interval, paired, verdict
from tlbook.evaluation.speakers import one_shot

__all__ = [
    "accuracy",
    "against_strongest",
    "agree",
    "confusion",
    "entity_errors",
    "entity_f1",
    "entity_scores",
    "interval",
    "one_shot",
    "paired",
    "recall",
    "token_accuracy",
    "verdict",
]
