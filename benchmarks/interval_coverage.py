"""Interval coverage: how often 95 % intervals hold the true value, octlib's, plain percentiles, and over scans.

Patients with 1 to 5 scans each are simulated again and again. Four in ten have a disease, or so many as --diseased
says. What a classifier says of a scan is shifted by the same random amount for all scans of a patient, which makes half
of the variance, or nine tenths with --alike; --slope makes it surer or less sure of itself. The true values come from
200,000 such patients.

Needs nothing; takes some twenty minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import expit

from octlib.evaluation import METRICS
from octlib.evaluation.intervals import RESAMPLES, bootstrap_intervals, resample_metrics
from octlib.evaluation.resamples import GroupedScans

DISTANCE = 1.2  # of each class's mean score from 0, in standard deviations
SLOPE = 2.0  # of the probabilities over the score: a little less sure than would be right, which is 2.4
DISEASED = 0.4


def simulate(
    n_patients: int,
    rng: np.random.Generator,
    alike: float = 0.5,
    slope: float = SLOPE,
    diseased: float = DISEASED,
) -> GroupedScans:
    """Simulate scans of patients and a classifier's probabilities for them.

    Args:
        n_patients: to simulate, with 1 to 5 scans each.
        rng: of everything.
        alike: the share of the variance that scans of a patient have in common.
        slope: of the probabilities over the score.
        diseased: the share of the patients who have the disease.

    Returns:
        The scans, class 0 being the disease.
    """
    sick = rng.random(n_patients) < diseased
    groups = np.repeat(np.arange(n_patients), rng.integers(1, 6, size=n_patients))
    common = rng.normal(0, np.sqrt(alike), n_patients)[groups]
    scores = np.where(sick[groups], DISTANCE, -DISTANCE) + common + rng.normal(0, np.sqrt(1 - alike), groups.size)
    probability = expit(slope * scores)
    return GroupedScans(np.where(sick[groups], 0, 1), np.stack([probability, 1 - probability], axis=1), groups)


def true_values(names: tuple[str, ...], **settings: float) -> dict[str, float]:
    """Compute metrics of so many patients that chance plays no part; by class, those of the disease."""
    scans = simulate(200_000, np.random.default_rng(1_000_000), **settings)
    values = {name: METRICS[name].value(scans.truth, scans.probabilities) for name in names}
    return {name: float(np.ravel(value)[0]) for name, value in values.items()}


def over_patients(scans: GroupedScans, names: Iterable[str], seed: int) -> dict[str, np.ndarray]:
    """Give the intervals of octlib, by class those of the disease."""
    intervals = bootstrap_intervals(scans, confidence=0.95, rng=np.random.default_rng(seed), names=names)
    return {name: limits.reshape(-1, 2)[0] for name, limits in intervals.items()}


def over_scans(scans: GroupedScans, names: Iterable[str], seed: int) -> dict[str, np.ndarray]:
    """Give the intervals that come of taking scans for independent."""
    return over_patients(GroupedScans(scans.truth, scans.probabilities, np.arange(scans.truth.size)), names, seed)


def percentiles(scans: GroupedScans, names: Iterable[str], seed: int) -> dict[str, np.ndarray]:
    """Give the plain percentiles of the same resamples of patients."""
    resampled = resample_metrics(scans, rng=np.random.default_rng(seed), names=names)
    drawn = {name: np.atleast_2d(values)[0, -RESAMPLES:] for name, values in resampled.items()}
    return {name: np.nanquantile(values, [0.025, 0.975]) for name, values in drawn.items()}


METHODS = {"over patients": over_patients, "percentiles": percentiles, "over scans": over_scans}


def coverage(
    method: Callable[[GroupedScans, Iterable[str], int], dict[str, np.ndarray]],
    n_patients: int,
    repetitions: int,
    truth: dict[str, float],
    **settings: float,
) -> dict[str, float]:
    """Say how often 95 % intervals hold the true values.

    Args:
        method: gives the intervals.
        n_patients: of each repetition.
        repetitions: with other patients each.
        truth: the true value of each metric.
        **settings: of ``simulate``.

    Returns:
        The share of the repetitions for each metric.
    """
    held = dict.fromkeys(truth, 0)
    for seed in range(repetitions):
        scans = simulate(n_patients, np.random.default_rng(seed), **settings)
        for name, (low, high) in method(scans, truth, seed).items():
            held[name] += bool(low <= truth[name] <= high)
    return {name: count / repetitions for name, count in held.items()}


def main() -> None:
    """Print the coverage of each metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--metrics", nargs="+", choices=METRICS, default=list(METRICS))
    parser.add_argument("--alike", action="store_const", const=0.9, default=0.5, help="scans of a patient are much so")
    parser.add_argument("--slope", type=float, default=SLOPE, help="of the probabilities over the score")
    parser.add_argument("--diseased", type=float, default=DISEASED, help="share of the patients")
    options = parser.parse_args()
    settings = {name: getattr(options, name) for name in ("alike", "slope", "diseased")}
    truth = true_values(tuple(options.metrics), **settings)
    print(f"How often 95 % intervals hold the true value; {options.repetitions:,} repetitions")
    for n_patients in options.patients:
        for title, method in METHODS.items():
            for name, share in coverage(method, n_patients, options.repetitions, truth, **settings).items():
                shown = f"{METRICS[name].title:24} {truth[name]:6.3f}  {title:13}  {100 * share:5.1f} %"
                print(f"{n_patients:4} patients  {shown}", flush=True)


if __name__ == "__main__":
    main()
