"""Evaluation: how good a classifier is, with an interval for every metric."""

from octlib.evaluation.compare import compare as compare
from octlib.evaluation.compare import compare_evaluations as compare_evaluations
from octlib.evaluation.comparison import Comparison as Comparison
from octlib.evaluation.comparison import Pair as Pair
from octlib.evaluation.comparison import PairedTest as PairedTest
from octlib.evaluation.decision_curve import DecisionCurve as DecisionCurve
from octlib.evaluation.evaluate import evaluate as evaluate
from octlib.evaluation.groups import GroupedEvaluation as GroupedEvaluation
from octlib.evaluation.metrics import METRICS as METRICS
from octlib.evaluation.metrics import Metric as Metric
from octlib.evaluation.operating_points import OperatingPoint as OperatingPoint
from octlib.evaluation.operating_points import OperatingResult as OperatingResult
from octlib.evaluation.prediction import predict as predict
from octlib.evaluation.result import Evaluation as Evaluation
from octlib.evaluation.score import score as score

__all__ = [
    "METRICS",
    "Comparison",
    "DecisionCurve",
    "Evaluation",
    "GroupedEvaluation",
    "Metric",
    "OperatingPoint",
    "OperatingResult",
    "Pair",
    "PairedTest",
    "compare",
    "compare_evaluations",
    "evaluate",
    "predict",
    "score",
]
