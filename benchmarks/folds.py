"""Folds: accuracy on real scans of unseen patients, five folds, defaults only.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/folds.py [--recipe frozen] [--seeds 0 1]
           [--backbones octlib mobilenetv2_100]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. In each fold the
classifier trains a fixed schedule on four fifths of the patients and is evaluated on the rest. Recipes: frozen,
fine-tuned, or frozen-then-fine-tuned. Two cores take half a minute for the first and an hour for the others.
"""

from __future__ import annotations

import argparse
import os
import time
from importlib.metadata import version

import numpy as np

import octlib
from octlib.evaluation import score

RECIPES = ("frozen", "fine-tuned", "frozen-then-fine-tuned")


def train_on(scans: octlib.OctDataset, recipe: str, backbones: list[str]) -> octlib.OctClassifier:
    """Build and train a classifier by octlib's defaults."""
    classifier = octlib.build_classifier(
        backbones,
        freeze=recipe != "fine-tuned",
        weights=["pretrained" if name == "octlib" else os.environ["OCTLIB_WEIGHTS"] for name in backbones],
        class_names=scans.class_names,
    )
    octlib.fit(classifier, scans, progress=False)
    if recipe == "frozen-then-fine-tuned":
        classifier.unfreeze()
        octlib.fit(classifier, scans, progress=False)
    return classifier


def evaluate_fold(
    train: octlib.OctDataset, test: octlib.OctDataset, recipe: str, backbones: list[str]
) -> tuple[float, list[np.ndarray]]:
    """Train on one part; return the seconds that took, and the probabilities on the other without and with flips."""
    started = time.perf_counter()
    classifier = train_on(train, recipe, backbones)
    seconds = time.perf_counter() - started
    columns = [f"p_{name}" for name in train.class_names]
    return seconds, [octlib.predict(classifier, test, flips=flips)[columns].to_numpy() for flips in (False, True)]


def measure(scans: octlib.OctDataset, recipe: str, backbones: list[str], seed: int) -> np.ndarray:
    """Print the figures of five folds; return their mean accuracies without and with flips."""
    parts = scans.folds(5, seed=seed)
    results, accuracies = [], []
    for number, (train, test) in enumerate(parts):
        results.append(evaluate_fold(train, test, recipe, backbones))
        accuracies.append([np.mean(view.argmax(1) == test.labels) for view in results[-1][1]])
        plain, flipped = accuracies[-1]
        print(f"seed {seed}, fold {number}: {plain:.3f}, with flips {flipped:.3f}, {results[-1][0]:.0f} s", flush=True)
    truth = np.concatenate([test.labels for _, test in parts])
    patients = np.concatenate([test.patients for _, test in parts])
    for view, title in enumerate(("without flips", "with flips")):
        print(f"\nseed {seed}, all folds together, {title}:")
        print(score(truth, np.concatenate([views[view] for _, views in results]), patients, scans.class_names), "\n")
    return np.mean(accuracies, axis=0)


def main() -> None:
    """Print the accuracy of each fold, their mean, and the pooled figures with their intervals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=RECIPES, default="frozen")
    parser.add_argument("--backbones", nargs="+", default=["mobilenetv2_100"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    arguments = parser.parse_args()
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    print(scans)
    versions = ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm"))
    backbones = " + ".join(arguments.backbones)
    print(f"{backbones} at 224 pixels, {arguments.recipe}, five folds by patient; {versions}\n")
    means = [measure(scans, arguments.recipe, arguments.backbones, seed) for seed in arguments.seeds]
    plain, flipped = np.mean(means, axis=0)
    print(f"mean accuracy over folds and seeds: {plain:.4f}, with flips {flipped:.4f}")


if __name__ == "__main__":
    main()
