"""Frozen head: how the scan's size, wedge blanking and shrinkage decide what a frozen classifier reaches.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/frozen_head.py [--seeds 0 1 2 3]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. Features are computed
once for each size; the head trains on four fifths of the patients and is evaluated on the rest, five folds a seed.
"""

from __future__ import annotations

import argparse
import os
import time
from functools import cache
from importlib.metadata import version

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

import octlib
from octlib.features import extract_features
from octlib.models.seeding import seeded
from octlib.preprocessing import Preprocessing
from octlib.training import head, whitening
from octlib.training.arguments import as_class_weights
from octlib.training.recipe import Recipe

# Image size, wedges blanked, shrinkage, balanced class weights. The first row is octlib's default.
ROWS = [
    (224, True, 0.8, True),
    (224, True, 0.8, False),
    (224, True, 0.2, True),
    (224, True, 0.5, True),
    (224, True, 0.9, True),
    (224, True, 1.0, True),
    (224, False, 0.8, True),
    (100, True, 0.8, True),
    (100, False, 0.8, True),
    (160, True, 0.8, True),
    (288, True, 0.8, True),
]

SCANS = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
PLACE = {name: position for position, name in enumerate(SCANS.names)}


@cache
def classifier_and_features(size: int, blanked: bool) -> tuple[octlib.OctClassifier, list, np.ndarray]:
    """Build a frozen classifier; return it, its untrained head, and the features of all scans."""
    classifier = octlib.build_classifier(
        "mobilenetv2_100", weights=os.environ["OCTLIB_WEIGHTS"], class_names=SCANS.class_names, image_size=size
    )
    classifier.preprocessing = Preprocessing(size, ("blank_wedges",) if blanked else ())
    return classifier, classifier.head.get_weights(), extract_features(classifier, SCANS, progress=False)


def predict_left_out(size: int, blanked: bool, balanced: bool, seed: int) -> np.ndarray:
    """Predict every scan by a head that has not seen its patient."""
    classifier, untrained, features = classifier_and_features(size, blanked)
    guesses = np.empty(len(SCANS), int)
    for fold in SCANS.folds(5, seed=seed):
        train, test = ([PLACE[name] for name in part.names] for part in fold)
        classifier.head.set_weights(untrained)
        weights = as_class_weights("balanced" if balanced else None, SCANS.labels[train], SCANS.class_names)
        recipe = Recipe(head.EPOCHS, 32, head.LEARNING_RATE, class_weight=weights)
        with seeded(0):
            head.train_head(classifier, (features[train], SCANS.labels[train]), None, recipe)
        kernel, bias = classifier.head.get_weights()
        guesses[test] = (features[test] @ kernel + bias).argmax(1)
    return guesses


def measure(size: int, blanked: bool, shrinkage: float, balanced: bool, seeds: list[int]) -> dict[str, object]:
    """Measure one setting: accuracy of each seed, their mean, mean F1 of each class, seconds a head."""
    classifier_and_features(size, blanked)
    whitening.SHRINKAGE = shrinkage
    started = time.perf_counter()
    guesses = [predict_left_out(size, blanked, balanced, seed) for seed in seeds]
    seconds = (time.perf_counter() - started) / (5 * len(seeds))
    accuracies = [(guess == SCANS.labels).mean() for guess in guesses]
    scores = np.mean([f1_score(SCANS.labels, guess, average=None) for guess in guesses], axis=0)
    return {
        "size": size,
        "blanked": blanked,
        "shrinkage": shrinkage,
        "balanced": balanced,
        "accuracy": np.mean(accuracies),
        "lowest": min(accuracies),
        "highest": max(accuracies),
        **{f"F1 {name}": score for name, score in zip(SCANS.class_names, scores, strict=True)},
        "s a head": seconds,
    }


def main() -> None:
    """Print a row for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    seeds = parser.parse_args().seeds
    versions = ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm"))
    print(f"{len(SCANS)} scans, mobilenetv2_100 frozen, five folds by patient, seeds {seeds}; {versions}\n")
    table = pd.DataFrame([measure(*row, seeds) for row in ROWS])
    print(table.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
