"""Difference coverage: how often 95 % intervals hold the true difference of two classifiers, octlib's and others.

The patients are those of ``interval_coverage.py``. A second classifier tells the classes less well and is surer of
itself; half of what shifts it for a patient shifts the first one too. The true differences come from 200,000 patients.
Beside octlib's intervals stand plain percentiles and BCa of the same resamples.

Needs nothing; takes some two minutes on one core.
"""

from __future__ import annotations

import argparse

import numpy as np
from interval_coverage import DISEASED, DISTANCE, SLOPE
from scipy.special import expit

from octlib._bootstrap import percentile_interval
from octlib.evaluation import METRICS
from octlib.evaluation.intervals import RESAMPLES, correct_intervals, resample_metrics
from octlib.evaluation.resamples import GroupedScans

CLASSIFIERS = ((DISTANCE, SLOPE), (1.0, 3.0))  # distance of the classes, and slope of the probabilities


def simulate(n_patients: int, rng: np.random.Generator) -> list[GroupedScans]:
    """Simulate scans of patients and the probabilities of both classifiers for them.

    Args:
        n_patients: to simulate, with 1 to 5 scans each.
        rng: of everything.

    Returns:
        The same scans twice, class 0 being the disease.
    """
    diseased = rng.random(n_patients) < DISEASED
    groups = np.repeat(np.arange(n_patients), rng.integers(1, 6, size=n_patients))
    common = rng.normal(0, 0.5, n_patients)
    made = []
    for distance, slope in CLASSIFIERS:
        shift = (common + rng.normal(0, 0.5, n_patients))[groups] + rng.normal(0, np.sqrt(0.5), groups.size)
        probability = expit(slope * (np.where(diseased[groups], distance, -distance) + shift))
        probabilities = np.stack([probability, 1 - probability], axis=1)
        made.append(GroupedScans(np.where(diseased[groups], 0, 1), probabilities, groups))
    return made


def true_differences() -> dict[str, float]:
    """Compute differences of so many patients that chance plays no part; by class, those of the disease."""
    both = simulate(200_000, np.random.default_rng(1_000_000))
    first, second = (
        {name: np.ravel(each.value(scans.truth, scans.probabilities))[0] for name, each in METRICS.items()}
        for scans in both
    )
    return {name: float(first[name] - second[name]) for name in METRICS}


def intervals(n_patients: int, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Give the intervals of each method for each metric, of patients of their own."""
    first, second = (
        resample_metrics(scans, rng=np.random.default_rng(seed))
        for scans in simulate(n_patients, np.random.default_rng(seed))
    )
    differences = {name: np.atleast_2d(first[name] - second[name])[0] for name in METRICS}
    drawn = {name: each[-RESAMPLES:] for name, each in differences.items()}
    return {
        "octlib's": {name: np.array(percentile_interval(each, n_patients, 0.95)) for name, each in drawn.items()},
        "percentiles": {name: np.nanquantile(each, [0.025, 0.975]) for name, each in drawn.items()},
        "BCa": {name: correct_intervals(each, 0.95) for name, each in differences.items()},
    }


def main() -> None:
    """Print the coverage of each metric's difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--repetitions", type=int, default=1000)
    options = parser.parse_args()
    truth = true_differences()
    print(f"How often 95 % intervals hold the true difference; {options.repetitions:,} repetitions")
    for n_patients in options.patients:
        held: dict[tuple[str, str], int] = {}
        for seed in range(options.repetitions):
            for method, limits in intervals(n_patients, seed).items():
                for name, (low, high) in limits.items():
                    held[method, name] = held.get((method, name), 0) + bool(low <= truth[name] <= high)
        for (method, name), count in held.items():
            shown = (
                f"{METRICS[name].title:24} {truth[name]:+6.3f}  {method:13}  {100 * count / options.repetitions:5.1f} %"
            )
            print(f"{n_patients:4} patients  {shown}", flush=True)


if __name__ == "__main__":
    main()
