"""Evaluation: how good a classifier is, with an interval for every figure."""

from octlib.evaluation.evaluate import evaluate as evaluate
from octlib.evaluation.prediction import predict as predict
from octlib.evaluation.result import Evaluation as Evaluation
from octlib.evaluation.score import score as score

__all__ = ["Evaluation", "evaluate", "predict", "score"]
