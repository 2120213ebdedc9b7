"""Backbones: frozen accuracy on real scans of octlib's own backbone, beside random weights and ImageNet's.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/backbones.py [--own TIMM_FOLDER] [--seeds 0 1]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. Five folds by patient
for each seed; all settings are octlib's defaults. --own takes weights that aren't in the package yet.
"""

from __future__ import annotations

import argparse
import os
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

import octlib
from octlib.data import OctDataset
from octlib.evaluation import score
from octlib.models import OctClassifier


def built(kind: str, class_names: tuple[str, ...], own: Path | None, seed: int) -> OctClassifier:
    """Build the classifier of one row of the table."""
    if kind == "the same architecture at random":
        return octlib.build_classifier("octlib", weights=None, class_names=class_names, seed=seed)
    if kind == "ImageNet's MobileNetV2":
        return octlib.build_classifier("mobilenetv2_100", weights=os.environ["OCTLIB_WEIGHTS"], class_names=class_names)
    return octlib.build_classifier("octlib", weights=own or "pretrained", class_names=class_names)


def evaluation(scans: OctDataset, kind: str, own: Path | None, seed: int) -> octlib.Evaluation:
    """Predict the scans of every fold by a classifier that has not seen their patients; evaluate them together."""
    probabilities = np.empty((len(scans), len(scans.class_names)))
    place = {name: position for position, name in enumerate(scans.names)}
    for train, test in scans.folds(5, seed=seed):
        classifier = built(kind, scans.class_names, own, seed)
        octlib.fit(classifier, train, progress=False)
        table = octlib.predict(classifier, test)
        rows = [place[name] for name in test.names]
        probabilities[rows] = table[[f"p_{name}" for name in scans.class_names]]
    return score(scans.labels, probabilities, scans.patients, scans.class_names)


def milliseconds(scans: OctDataset, kind: str, own: Path | None) -> float:
    """Time the pass of 64 scans through the backbone: milliseconds a scan, the median of five passes."""
    classifier = built(kind, scans.class_names, own, seed=0)
    images, taken = scans.sample(64).images(classifier.preprocessing), []
    for _ in range(6):
        started = time.perf_counter()
        classifier.extract(images)
        taken.append((time.perf_counter() - started) / len(images) * 1000)
    return float(np.median(taken[1:]))


def main() -> None:
    """Print the table: a row for each backbone, means over seeds, the interval of the first seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--own", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    arguments = parser.parse_args()
    print({name: version(name) for name in ("octlib", "keras", "timm", "torch")}, "seeds", arguments.seeds)
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    rows = {}
    for kind in ("the same architecture at random", "octlib", "ImageNet's MobileNetV2"):
        results = [evaluation(scans, kind, arguments.own, seed) for seed in arguments.seeds]
        low, high = results[0].intervals["accuracy"]
        rows[kind] = {
            "accuracy": np.mean([result.accuracy for result in results]),
            "seeds": ", ".join(f"{result.accuracy:.3f}" for result in results),
            "95 % of seed 0": f"{low:.3f} to {high:.3f}",
            **{f"F1 {name}": np.mean([result.f1[name] for result in results]) for name in scans.class_names},
            "ms a scan": milliseconds(scans, kind, arguments.own),
        }
        print(kind, rows[kind], flush=True)
    print(pd.DataFrame(rows).T.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
