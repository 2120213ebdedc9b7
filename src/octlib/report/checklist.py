"""Checklist: which items of reporting guidelines a page answers, and which are left to its authors."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Item(NamedTuple):
    """One item of a guideline.

    Attributes:
        guideline: its name.
        item: number and subject, or subject alone.
        section: the id of the section that answers it; empty where no page can.
    """

    guideline: str
    item: str
    section: str = ""


TRIPOD, CLAIM = "TRIPOD+AI", "CLAIM"
# Those that concern data, model and figures, or that no page can answer; a manuscript has to answer all.
# Collins et al. 2024, BMJ 385:e078378, table 1; Tejani et al. 2024, Radiology: AI 6(4):e240300.
ITEMS = (
    Item(TRIPOD, "5-6: sources, dates and eligibility of the data"),
    Item(TRIPOD, "7: quality of the data", "audit"),
    Item(TRIPOD, "8: how the outcome was determined"),
    Item(TRIPOD, "10: sample size", "parts"),
    Item(TRIPOD, "12a: how the data were divided", "parts"),
    Item(TRIPOD, "12c: type of the model, training, choice", "history"),
    Item(TRIPOD, "12e: measures of performance", "metrics"),
    Item(TRIPOD, "13: imbalance of classes", "parts"),
    Item(TRIPOD, "14: fairness", "groups"),
    Item(TRIPOD, "15: output and thresholds", "points"),
    Item(TRIPOD, "17-19: ethics, open science, involvement of patients"),
    Item(TRIPOD, "20: participants", "parts"),
    Item(TRIPOD, "22: full specification of the model", "classifier"),
    Item(TRIPOD, "23a: performance with confidence intervals", "metrics"),
    Item(TRIPOD, "23b: heterogeneity of performance", "groups"),
    Item(TRIPOD, "24: recalibration", "calibration"),
    Item(TRIPOD, "26: limitations", "limits"),
    Item(TRIPOD, "27: use in care"),
    Item(CLAIM, "data sources, eligibility, acquisition of images"),
    Item(CLAIM, "preprocessing of images", "classifier"),
    Item(CLAIM, "reference standard, and who annotated by it"),
    Item(CLAIM, "assignment to partitions, and the level at which they are disjoint", "parts"),
    Item(CLAIM, "model, software, initial weights", "classifier"),
    Item(CLAIM, "training, and choice of the final model", "history"),
    Item(CLAIM, "metrics, with their uncertainty", "metrics"),
    Item(CLAIM, "explainability", "explanation"),
    Item(CLAIM, "performance, class by class", "classes"),
    Item(CLAIM, "analysis of failures", "errors"),
    Item(CLAIM, "evaluation on external data"),
    Item(CLAIM, "limitations", "limits"),
)


def answered(sections: Collection[str]) -> list[Item]:
    """Give the items, with the section that answers each on a page that has only some of them.

    Args:
        sections: the ids that are there.

    Returns:
        The items; ``section`` is empty where the page has none for it.

    Example:
        >>> [item.section for item in answered({"metrics"}) if item.item.startswith(("12e", "13"))]
        ['metrics', '']
    """
    return [item if item.section in sections else item._replace(section="") for item in ITEMS]
