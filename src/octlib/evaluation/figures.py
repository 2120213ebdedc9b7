"""Figures: accuracy, F1 and their kin for one set of scans, by scikit-learn."""

from __future__ import annotations

import numpy as np

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")
CLASS_FIGURES = ("f1", "precision", "recall", "auroc")


def point_figures(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Compute every figure of an evaluation once.

    Undefined figures are NaN: F1, recall and AUROC of a class that no scan has, the precision of a class that is never
    predicted, and the AUROC of a class that all scans have. A class that scans have but the classifier never predicts
    has an F1 of 0. Balanced accuracy and macro-F1 are means over the classes that scans have.

    Args:
        probabilities: float (n, classes), n >= 1; the largest of a row is the prediction.
        truth: int (n,), the index of each scan's class.

    Returns:
        For each name in ``FIGURES`` a float array (), for each in ``CLASS_FIGURES`` one of shape (classes,); all in
        [0, 1] or NaN.
    """
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    predicted = probabilities.argmax(axis=1)
    classes = np.arange(probabilities.shape[1])
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=classes, average=None, zero_division=np.nan
    )
    present = support > 0
    f1 = np.where(present, f1, np.nan)
    return {
        "accuracy": np.asarray(accuracy_score(truth, predicted)),
        "balanced_accuracy": np.asarray(recall[present].mean()),
        "macro_f1": np.asarray(f1[present].mean()),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "auroc": np.array([_auroc(truth == index, probabilities[:, index]) for index in classes]),
    }


def confusion_counts(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Count scans by class (rows) and predicted class (columns).

    Args:
        probabilities: float (n, classes).
        truth: int (n,).

    Returns:
        int64 (classes, classes), which sums to n.
    """
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(truth, probabilities.argmax(axis=1), labels=np.arange(probabilities.shape[1]))
    return np.asarray(counts, dtype=np.int64)


def _auroc(positive: np.ndarray, scores: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    # scikit-learn warns where one side is empty; the evaluation names absent classes itself, once.
    return float(roc_auc_score(positive, scores)) if 0 < positive.sum() < positive.size else float("nan")
