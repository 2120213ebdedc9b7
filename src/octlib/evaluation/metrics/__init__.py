"""Metrics: one entry each, with scikit-learn's definition and a fast form for the bootstrap."""

from octlib.evaluation.metrics.metric import Interval as Interval
from octlib.evaluation.metrics.metric import Metric as Metric
from octlib.evaluation.metrics.plain import confusion_counts as confusion_counts
from octlib.evaluation.metrics.table import METRICS as METRICS

__all__ = ["METRICS", "Interval", "Metric", "confusion_counts"]
