"""Calibration: what a temperature does for other patients, and whether prediction sets keep their coverage.

Usage: OCTLIB_KERMANY=FOLDER [OCTLIB_WEIGHTS=TIMM_FOLDER] python benchmarks/calibration.py [--splits 100]

FOLDER has class folders of Kermany scans; TIMM_FOLDER the ImageNet weights of mobilenetv2_100, octlib's own backbone
is used without. Each split of the patients trains a frozen head on one half, calibrates on a quarter, and measures on
the last quarter, which neither has seen. Needs octlib[trust]. Features are passed once; a split takes about 2 s.
"""

from __future__ import annotations

import argparse
import os
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd

import octlib
from octlib.calibration.losses import log_loss
from octlib.errors import CalibrationWarning
from octlib.evaluation.metrics.plain import ece
from octlib.features import predict_probabilities
from octlib.models import Postprocessing

PARTS = (0.5, 0.25, 0.25)
COVERAGES = (0.8, 0.9, 0.95)


def build(class_names: tuple[str, ...]) -> octlib.OctClassifier:
    """Build a frozen classifier, on ImageNet's features where there are weights."""
    weights = os.environ.get("OCTLIB_WEIGHTS")
    if weights is None:
        return octlib.build_classifier("octlib", class_names=class_names)
    return octlib.build_classifier("mobilenetv2_100", weights=weights, class_names=class_names)


def measure(classifier: octlib.OctClassifier, scans: octlib.OctDataset, seed: int) -> dict[str, float]:
    """Train, calibrate and measure on one split."""
    train, validation, test = scans.split(PARTS, seed=seed)
    classifier.postprocessing = Postprocessing()
    octlib.fit(classifier, train, progress=False)
    labels = np.array(test.labels)
    row = {}
    found = octlib.calibrate(classifier, validation, seed=seed)
    after = predict_probabilities(classifier, test, progress=False)
    calibrated, classifier.postprocessing = classifier.postprocessing, Postprocessing()
    before = predict_probabilities(classifier, test, progress=False)
    row |= {"temperature": found.temperature, "accuracy": float((before.argmax(axis=1) == labels).mean())}
    for stage, rows in (("before", before), ("after", after)):
        row |= {f"log loss {stage}": log_loss(labels, rows), f"ECE {stage}": ece(labels, rows)}
    for coverage in COVERAGES:
        classifier.postprocessing = calibrated
        octlib.calibrate(classifier, validation, coverage=coverage, seed=seed)
        sets = octlib.prediction_sets(classifier, test)
        row |= {f"{name} {coverage:g}": getattr(sets, name) for name in ("covered", "size", "single", "empty")}
    return row


def main() -> None:
    """Print means over the splits with their standard errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=100)
    splits = parser.parse_args().splits
    warnings.simplefilter("ignore", CalibrationWarning)  # of few patients
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    classifier = build(scans.class_names)
    versions = ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm", "mapie"))
    print(f"{classifier.backbone_name}, frozen; split seeds 0 to {splits - 1}; {versions}\n{scans}\n", flush=True)
    table = pd.DataFrame([measure(classifier, scans, seed) for seed in range(splits)])
    summary = pd.DataFrame({"mean": table.mean(), "standard error": table.sem(), "standard deviation": table.std()})
    print(summary.to_string(float_format="{:.4f}".format))
    for name in ("log loss", "ECE"):
        fell = (table[f"{name} after"] < table[f"{name} before"]).sum()
        print(f"{name} fell in {fell} of {splits} splits")


if __name__ == "__main__":
    main()
