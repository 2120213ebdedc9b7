"""Nested backbones: which frozen backbones inner folds by patient choose, and what the choice is worth on others.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/nested_backbones.py [--seeds 0 1]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. Five folds by patient
for each seed, octlib's defaults. Four inner folds of each training part choose octlib's own backbone, MobileNetV2 or
both at once by their accuracy; the classifier that was chosen is trained on the whole part, and reports on the outer
fold. A minute on two cores.
"""

from __future__ import annotations

import argparse
import os
from importlib.metadata import version

import numpy as np
from preprocessing import inner_accuracy

import octlib
from octlib.evaluation import score

CHOICES = {"own": ["octlib"], "mobilenet": ["mobilenetv2_100"], "both": ["octlib", "mobilenetv2_100"]}


def built(choice: str, class_names: tuple[str, ...]) -> octlib.OctClassifier:
    """Build a frozen classifier by octlib's defaults."""
    names = CHOICES[choice]
    weights = ["pretrained" if name == "octlib" else os.environ["OCTLIB_WEIGHTS"] for name in names]
    return octlib.build_classifier(names, weights=weights, class_names=class_names)


def measure(scans: octlib.OctDataset, seed: int) -> octlib.Evaluation:
    """Print what the inner folds say; return the evaluation of what they chose, over all outer folds."""
    place = {name: position for position, name in enumerate(scans.names)}
    probabilities = np.empty((len(scans), len(scans.class_names)))
    classifiers = {choice: built(choice, scans.class_names) for choice in CHOICES}
    for train, test in scans.folds(5, seed=seed):
        inner = {choice: inner_accuracy(classifier, train, seed) for choice, classifier in classifiers.items()}
        chosen = classifiers[max(inner, key=lambda choice: inner[choice])]
        octlib.fit(chosen, train, progress=False)
        table = octlib.predict(chosen, test, progress=False)
        rows = [place[name] for name in test.names]
        probabilities[rows] = table[[f"p_{name}" for name in scans.class_names]]
        print(f"seed {seed}, inner folds: { ({name: round(value, 3) for name, value in inner.items()}) }", flush=True)
    return score(scans.labels, probabilities, scans.patients, scans.class_names)


def main() -> None:
    """Print an evaluation for each seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    arguments = parser.parse_args()
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    print(scans, ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm")), sep="\n")
    for seed in arguments.seeds:
        print(measure(scans, seed), flush=True)


if __name__ == "__main__":
    main()
