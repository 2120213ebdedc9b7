"""Interval coverage: how often 95 % intervals hold the true value, bootstrapped over patients and over scans.

Patients with 1 to 5 scans each are simulated again and again. Four in ten have a disease. What a classifier says of a
scan is shifted by the same random amount for all scans of a patient, which makes half of the variance, or nine tenths
with --alike. The true values come from 200,000 such patients. Needs nothing; takes ten minutes on one core.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.special import expit

from octlib.evaluation import METRICS
from octlib.evaluation.intervals import bootstrap_intervals
from octlib.evaluation.resamples import GroupedScans

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


def coverage(
    n_patients: int,
    repetitions: int,
    truth: dict[str, float],
    *,
    by_patient: bool = True,
    alike: float = 0.5,
) -> dict[str, float]:
    """Say how often 95 % intervals hold the true values.

    Args:
        n_patients: of each repetition.
        repetitions: with other patients each.
        truth: the true value of each metric.
        by_patient: bootstrap over patients; otherwise over scans.
        alike: the share of the variance that scans of a patient have in common.

    Returns:
        The share of the repetitions for each metric.
    """
    held = dict.fromkeys(truth, 0)
    for seed in range(repetitions):
        scans = simulate(n_patients, np.random.default_rng(seed), alike)
        if not by_patient:
            scans = GroupedScans(scans.truth, scans.probabilities, np.arange(scans.truth.size))
        intervals = bootstrap_intervals(scans, confidence=0.95, rng=np.random.default_rng(seed), names=truth)
        for name, value in truth.items():
            low, high = intervals[name].reshape(-1, 2)[0]
            held[name] += bool(low <= value <= high)
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
    print(
        f"{options.repetitions:,} repetitions; how often 95 % intervals over patients, and over scans, hold the truth"
    )
    for n_patients in options.patients:
        found = [
            coverage(n_patients, options.repetitions, truth, by_patient=by_patient, alike=options.alike)
            for by_patient in (True, False)
        ]
        for name, value in truth.items():
            patients, scans = (f"{100 * each[name]:5.1f} %" for each in found)
            print(f"{n_patients:4} patients  {METRICS[name].title:24} {value:6.3f}  {patients}  {scans}", flush=True)


if __name__ == "__main__":
    main()
