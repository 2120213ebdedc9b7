"""Evaluation: how good a classifier is, with an interval for every metric."""

from octlib.evaluation.evaluate import evaluate as evaluate
from octlib.evaluation.groups import GroupedEvaluation as GroupedEvaluation
from octlib.evaluation.metrics import METRICS as METRICS
from octlib.evaluation.metrics import Metric as Metric
from octlib.evaluation.prediction import predict as predict
from octlib.evaluation.result import Evaluation as Evaluation
from octlib.evaluation.score import score as score

__all__ = ["METRICS", "Evaluation", "GroupedEvaluation", "Metric", "evaluate", "predict", "score"]
