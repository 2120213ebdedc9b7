"""Frozen folds: accuracy of a frozen classifier on real scans of unseen patients, five folds, defaults only.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/frozen_folds.py [--seeds 0 1]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. In each fold the head
trains a fixed schedule on four fifths of the patients and is evaluated on the rest. Nothing is tuned on them.
"""

from __future__ import annotations

import argparse
import os
import time
from importlib.metadata import version

import numpy as np

import octlib
from octlib.evaluation import score


def evaluate_fold(train: octlib.OctDataset, test: octlib.OctDataset) -> tuple[float, np.ndarray]:
    """Train on one part; return the seconds that took and the probabilities on the other."""
    classifier = octlib.build_classifier(
        "mobilenetv2_100", weights=os.environ["OCTLIB_WEIGHTS"], class_names=train.class_names
    )
    started = time.perf_counter()
    octlib.fit(classifier, train, progress=False)
    seconds = time.perf_counter() - started
    table = octlib.predict(classifier, test)
    return seconds, table[[f"p_{name}" for name in train.class_names]].to_numpy()


def main() -> None:
    """Print the accuracy of each fold, their mean, and the pooled figures with their intervals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    print(scans)
    versions = ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm"))
    print(f"mobilenetv2_100 frozen at its own 224 pixels, five folds by patient; {versions}\n")
    means = []
    for seed in parser.parse_args().seeds:
        parts = scans.folds(5, seed=seed)
        results = [evaluate_fold(train, test) for train, test in parts]
        truths = [test.labels for _, test in parts]
        accuracies = [(p.argmax(1) == truth).mean() for (_, p), truth in zip(results, truths, strict=True)]
        means.append(np.mean(accuracies))
        print(f"seed {seed}: folds {' '.join(f'{value:.3f}' for value in accuracies)}, mean {means[-1]:.3f}, ", end="")
        print(f"{np.mean([seconds for seconds, _ in results]):.0f} s a fit")
        patients = np.concatenate([test.patients for _, test in parts])
        print(score(np.concatenate([p for _, p in results]), np.concatenate(truths), patients, scans.class_names), "\n")
    print(f"mean accuracy over folds and seeds: {np.mean(means):.3f}")


if __name__ == "__main__":
    main()
