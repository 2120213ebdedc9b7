"""Limits: what the figures of a page do not say, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from octlib.data import OctDataset
    from octlib.evaluation import Evaluation

UNTOLD = (
    "The page doesn't know what the classifier was trained on: whether it had seen these scans, or others of these "
    "patients, the authors have to tell."
)
ALWAYS = (
    "The figures hold for scans like these, of the same devices, clinics and diseases; others may cost many points.",
    "A class that the classifier doesn't know is taken for one that it does.",
    "Shares of classes among these scans are not those of a clinic: predictive values depend on them.",
    "A heatmap says where the classifier found support, not why, and not that there is disease.",
)


def find_limits(evaluation: Evaluation, parts: Mapping[str, OctDataset]) -> list[str]:
    """List what a reader has to keep in mind.

    Args:
        evaluation: the metrics.
        parts: what the scans were divided into; empty where nobody said.

    Returns:
        Sentences, those about this evaluation first.
    """
    told = () if "test" in parts else (UNTOLD,)
    return [*evaluation.caveats, *told, *ALWAYS]
