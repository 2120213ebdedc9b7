"""Interval coverage: how often 95 % intervals hold the true value, bootstrapped over patients and over scans.

Patients with 1 to 5 scans each are simulated again and again. Four in ten have a disease. What a classifier says of a
scan is shifted by the same random amount for all scans of a patient, which makes half of the variance, or nine tenths
with --alike. The true values come from 200,000 such patients. Beside both bootstraps stands the corrected one (BCa:
Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 14) over patients, which octlib doesn't use.

Needs nothing; takes some twenty minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from octlib.evaluation import METRICS
from octlib.evaluation.intervals import bootstrap_intervals, resample_metrics
from octlib.evaluation.resamples import GroupedScans, Resamples

DISTANCE = 1.2  # of each class's mean score from 0, in standard deviations
SLOPE = 2.0  # of the probabilities over the score: a little less sure than would be right
DISEASED = 0.4


def simulate(n_patients: int, rng: np.random.Generator, alike: float = 0.5) -> GroupedScans:
    """Simulate scans of patients and a classifier's probabilities for them.

    Args:
        n_patients: to simulate, with 1 to 5 scans each.
        rng: of everything.
        alike: the share of the variance that scans of a patient have in common.

    Returns:
        The scans, class 0 being the disease.
    """
    diseased = rng.random(n_patients) < DISEASED
    groups = np.repeat(np.arange(n_patients), rng.integers(1, 6, size=n_patients))
    common = rng.normal(0, np.sqrt(alike), n_patients)[groups]
    scores = np.where(diseased[groups], DISTANCE, -DISTANCE) + common + rng.normal(0, np.sqrt(1 - alike), groups.size)
    probability = expit(SLOPE * scores)
    return GroupedScans(np.where(diseased[groups], 0, 1), np.stack([probability, 1 - probability], axis=1), groups)


def true_values(names: tuple[str, ...], alike: float = 0.5) -> dict[str, float]:
    """Compute metrics of so many patients that chance plays no part; by class, those of the disease."""
    scans = simulate(200_000, np.random.default_rng(1_000_000), alike)
    values = {name: METRICS[name].value(scans.truth, scans.probabilities) for name in names}
    return {name: float(np.ravel(value)[0]) for name, value in values.items()}


def over_patients(scans: GroupedScans, names: Iterable[str], seed: int) -> dict[str, np.ndarray]:
    """Give the intervals of octlib, by class those of the disease."""
    intervals = bootstrap_intervals(scans, confidence=0.95, rng=np.random.default_rng(seed), names=names)
    return {name: limits.reshape(-1, 2)[0] for name, limits in intervals.items()}


def over_scans(scans: GroupedScans, names: Iterable[str], seed: int) -> dict[str, np.ndarray]:
    """Give the intervals that come of taking scans for independent."""
    return over_patients(GroupedScans(scans.truth, scans.probabilities, np.arange(scans.truth.size)), names, seed)


def corrected(scans: GroupedScans, names: Iterable[str], seed: int) -> dict[str, np.ndarray]:
    """Give intervals over patients that are corrected for bias and skewness."""
    n = scans.n_groups
    everything, left_out = Resamples(scans, np.ones((n, 1))), Resamples(scans, np.ones((n, n)) - np.eye(n))
    intervals = {}
    for name, resampled in resample_metrics(scans, rng=np.random.default_rng(seed), names=names).items():
        value, without = (np.atleast_2d(METRICS[name].resampled(each))[0] for each in (everything, left_out))
        drawn = np.atleast_2d(resampled)[0]
        below = ((drawn < value) + 0.5 * (drawn == value)).mean()
        bias, change = norm.ppf(np.clip(below, 1e-4, 1 - 1e-4)), without.mean() - without
        acceleration = (change**3).sum() / (6 * (change**2).sum() ** 1.5 + 1e-300)
        ends = bias + norm.ppf([0.025, 0.975])
        intervals[name] = np.quantile(drawn, norm.cdf(bias + ends / (1 - acceleration * ends)))
    return intervals


METHODS = {"over patients": over_patients, "over scans": over_scans, "BCa over patients": corrected}


def coverage(
    method: Callable[[GroupedScans, Iterable[str], int], dict[str, np.ndarray]],
    n_patients: int,
    repetitions: int,
    truth: dict[str, float],
    alike: float = 0.5,
) -> dict[str, float]:
    """Say how often 95 % intervals hold the true values.

    Args:
        method: gives the intervals.
        n_patients: of each repetition.
        repetitions: with other patients each.
        truth: the true value of each metric.
        alike: the share of the variance that scans of a patient have in common.

    Returns:
        The share of the repetitions for each metric.
    """
    held = dict.fromkeys(truth, 0)
    for seed in range(repetitions):
        scans = simulate(n_patients, np.random.default_rng(seed), alike)
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
    options = parser.parse_args()
    truth = true_values(tuple(options.metrics), options.alike)
    print(f"How often 95 % intervals hold the true value; {options.repetitions:,} repetitions")
    for n_patients in options.patients:
        for title, method in METHODS.items():
            for name, share in coverage(method, n_patients, options.repetitions, truth, options.alike).items():
                shown = f"{METRICS[name].title:24} {truth[name]:6.3f}  {title:17}  {100 * share:5.1f} %"
                print(f"{n_patients:4} patients  {shown}", flush=True)


if __name__ == "__main__":
    main()
