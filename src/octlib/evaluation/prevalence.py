"""Prevalence: what predictions are worth where classes are as frequent as somebody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from octlib._suggest import unknown
from octlib.evaluation.arithmetic import divide
from octlib.evaluation.intervals import correct_intervals, find_intervals, resample_metrics
from octlib.evaluation.metrics import METRICS
from octlib.evaluation.resamples import GroupedScans

if TYPE_CHECKING:
    import pandas as pd

RATES = ("recall", "specificity")


def check_prevalence(prevalence: Mapping[str, float], class_names: Sequence[str]) -> None:
    """Refuse prevalences that can't be.

    Args:
        prevalence: by class name.
        class_names: that there are.

    Raises:
        TypeError: if it is no mapping.
        ValueError: if it is empty, names another class, or a prevalence doesn't lie between 0 and 1.
    """
    if not isinstance(prevalence, Mapping):
        raise TypeError(f'prevalence must map class names to numbers, such as {{"CNV": 0.02}}; got {prevalence!r}.')
    if not prevalence:
        raise ValueError('prevalence must name one class or more, such as {"CNV": 0.02}; got none.')
    for name, share in prevalence.items():
        if name not in class_names:
            raise unknown("class", name, class_names)
        if not 0 < share < 1:
            raise ValueError(f"The prevalence of {name} must lie between 0 and 1, such as 0.02 for 2 %; got {share!r}.")


def tabulate_prevalence(
    scans: GroupedScans, class_names: Sequence[str], prevalence: Mapping[str, float], *, confidence: float, seed: int
) -> pd.DataFrame:
    """Compute predictive values from sensitivity and specificity by Bayes' theorem.

    Args:
        scans: with their groups.
        class_names: of the columns of their probabilities.
        prevalence: by class name, in (0, 1).
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap.

    Returns:
        As ``Evaluation.at_prevalence``.
    """
    import pandas as pd

    values = {rate: METRICS[rate].value(scans.truth, scans.probabilities) for rate in RATES}
    if scans.n_groups > 1:
        resampled = resample_metrics(scans, rng=np.random.default_rng(seed), names=RATES)
        ends = find_intervals(scans, resampled, confidence=confidence)
    else:
        resampled = {rate: np.full((len(class_names), 1), np.nan) for rate in RATES}
        ends = {rate: np.full((len(class_names), 2), np.nan) for rate in RATES}
    rows = []
    for name, share in prevalence.items():
        place = list(class_names).index(name)
        # Both values rise with sensitivity and with specificity, so that the low ends belong together.
        found, drawn, widest = (
            _predictive([each[rate][place] for rate in RATES], share) for each in (values, resampled, ends)
        )
        # In no resample is a rate of 0 or 1 another one, however little it was seen in.
        exact = any(values[rate][place] in (0, 1) for rate in RATES)
        row: list[float] = []
        for each in range(2):
            limits = widest[each] if exact else correct_intervals(drawn[each], confidence)
            row += [float(found[each]), *map(float, limits)]
        rows.append((name, float(share), *row))
    columns = ["class", "prevalence", "ppv", "ppv_low", "ppv_high", "npv", "npv_low", "npv_high"]
    return pd.DataFrame(rows, columns=columns)


def _predictive(rates: Sequence[np.ndarray], share: float) -> tuple[np.ndarray, np.ndarray]:
    sensitivity, specificity = map(np.asarray, rates)
    found, missed = sensitivity * share, (1 - sensitivity) * share
    cleared, alarmed = specificity * (1 - share), (1 - specificity) * (1 - share)
    return divide(found, found + alarmed), divide(cleared, cleared + missed)
