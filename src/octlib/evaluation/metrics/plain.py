"""Plain: each metric of one set of scans, as scikit-learn defines it where it has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from octlib.evaluation.arithmetic import divide, mean_of_defined
from octlib.evaluation.losses import BINS, bin_confidence, calibration_gaps, squared_errors


def confusion_counts(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count scans by class (rows) and predicted class (columns).

    Args:
        truth: int (n,).
        probabilities: float (n, classes); the largest of a row is the prediction.

    Returns:
        int64 (classes, classes), which sums to n.
    """
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(truth, probabilities.argmax(axis=1), labels=np.arange(probabilities.shape[1]))
    return np.asarray(counts, dtype=np.int64)


def accuracy(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the share of scans that are recognised."""
    from sklearn.metrics import accuracy_score

    return accuracy_score(truth, probabilities.argmax(axis=1))


def precision(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give the positive predictive value of each class; NaN where it is never predicted."""
    return np.asarray(_by_class("precision_score", truth, probabilities))


def recall(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give the sensitivity of each class; NaN where no scan is of it."""
    return np.asarray(_by_class("recall_score", truth, probabilities))


def specificity(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give the share of the other scans that aren't taken for a class; NaN where there are no others."""
    counts = _one_against_the_rest(truth, probabilities)
    return divide(counts[:, 0, 0], counts[:, 0].sum(axis=1))


def npv(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give the negative predictive value of each class; NaN where every scan is taken for it."""
    counts = _one_against_the_rest(truth, probabilities)
    return divide(counts[:, 0, 0], counts[:, :, 0].sum(axis=1))


def f1(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give the F1 of each class; NaN where no scan is of it."""
    # scikit-learn gives 0 to a class that is predicted and that no scan has.
    return np.where(_present(truth, probabilities), _by_class("f1_score", truth, probabilities), np.nan)


def weighted_f1(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the mean F1, each class weighted by its scans."""
    return _by_class("f1_score", truth, probabilities, average="weighted")


def auroc(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give the area under the ROC curve of each class against the rest; NaN where one side is empty."""
    from sklearn.metrics import roc_auc_score

    # scikit-learn warns where one side is empty; the evaluation names absent classes itself, once.
    sides = [(truth == index, scores) for index, scores in enumerate(probabilities.T)]
    return np.array([roc_auc_score(*side) if 0 < side[0].sum() < truth.size else np.nan for side in sides])


def average_precision(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give the average precision of each class against the rest; NaN where no scan is of it."""
    from sklearn.metrics import average_precision_score

    sides = [(truth == index, scores) for index, scores in enumerate(probabilities.T)]
    return np.array([average_precision_score(*side) if side[0].any() else np.nan for side in sides])


def kappa(truth: np.ndarray, probabilities: np.ndarray, weights: str | None = None) -> Any:
    """Give Cohen's kappa of truth and prediction; NaN where all scans are of one class."""
    from sklearn.metrics import cohen_kappa_score

    if _is_uniform(truth):
        return np.nan
    labels = np.arange(probabilities.shape[1])
    return cohen_kappa_score(truth, probabilities.argmax(axis=1), labels=labels, weights=weights)


def mcc(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give Matthews' correlation; NaN where all scans are of one class, 0 where one class alone is predicted."""
    from sklearn.metrics import matthews_corrcoef

    return np.nan if _is_uniform(truth) else matthews_corrcoef(truth, probabilities.argmax(axis=1))


def brier(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the mean over scans of the squared errors of all their probabilities."""
    # scikit-learn has it for several classes from 1.7 on.
    return squared_errors(truth, probabilities).mean()


def ece(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the mean distance of confidence and accuracy over bins of the confidence, weighted by their scans."""
    sums = np.bincount(bin_confidence(probabilities), calibration_gaps(truth, probabilities), minlength=BINS)
    return np.abs(sums).sum() / truth.size


def macro_f1(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the mean F1 of the classes that scans have."""
    return mean_of_defined(f1(truth, probabilities))


def balanced_accuracy(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the mean sensitivity of the classes that scans have."""
    return mean_of_defined(recall(truth, probabilities))


def macro_auroc(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the mean AUROC of the classes that scans have."""
    return mean_of_defined(auroc(truth, probabilities))


def macro_average_precision(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    """Give the mean average precision of the classes that scans have."""
    return mean_of_defined(average_precision(truth, probabilities))


def _by_class(function: str, truth: np.ndarray, probabilities: np.ndarray, average: str | None = None) -> Any:
    from sklearn import metrics

    labels = np.arange(probabilities.shape[1])
    options = {"labels": labels, "average": average, "zero_division": np.nan}
    return getattr(metrics, function)(truth, probabilities.argmax(axis=1), **options)


def _one_against_the_rest(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    # (classes, 2, 2): rows are the truth, columns the predictions, the rest comes before the class.
    from sklearn.metrics import multilabel_confusion_matrix

    labels = np.arange(probabilities.shape[1])
    return np.asarray(multilabel_confusion_matrix(truth, probabilities.argmax(axis=1), labels=labels))


def _present(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return np.isin(np.arange(probabilities.shape[1]), truth)


def _is_uniform(truth: np.ndarray) -> bool:
    return bool((truth == truth[0]).all())
