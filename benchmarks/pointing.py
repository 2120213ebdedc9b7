"""Pointing: whether the maps of octlib's own backbone point at lesions, over all phantoms of the demo.

Usage: python benchmarks/pointing.py [--own TIMM_FOLDER] [--method gradcam] [--layer LAYER]

Five folds by patient (seed 0), octlib's defaults: every phantom is predicted and explained by a classifier whose head
has not seen its patient. Maps of right decisions about sick eyes take part. --own takes other weights of the same
architecture, such as those of the first stage of scripts/pretrain_backbone.py alone (--epochs 10 0).
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

import octlib
from octlib.explanation import score_explanations


def measure(scans: octlib.OctDataset, own: Path | None, method: str, layer: str | None) -> tuple[pd.DataFrame, float]:
    """Return a row for each map, with its class and scores; and the accuracy."""
    rows, right_in_all = [], 0
    for train, test in scans.folds(5, seed=0):
        classifier = octlib.build_classifier("octlib", weights=own or "pretrained", class_names=scans.class_names)
        octlib.fit(classifier, train, progress=False)
        errors = octlib.evaluate(classifier, test).errors()
        right = test.subset(np.setdiff1d(np.arange(len(test)), errors))
        right_in_all += len(right)
        sick = right.subset([scan.label != "NORMAL" for scan in right])
        rows.append(score_explanations(octlib.explain(classifier, sick, method=method, layer=layer)).maps)
    return pd.concat(rows), right_in_all / len(scans)


def main() -> None:
    """Print the share of maps that point at the lesion, by class and in all, beside chance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--own", type=Path)
    parser.add_argument("--method", default="gradcam")
    parser.add_argument("--layer")
    arguments = parser.parse_args()
    print({name: version(name) for name in ("octlib", "keras", "timm", "torch", "grad-cam")})
    maps, accuracy = measure(octlib.load_oct_dataset("phantoms"), arguments.own, arguments.method, arguments.layer)
    table = maps.groupby("class").agg(
        maps=("pointing", "size"), rate=("pointing", "mean"), chance=("pointing_chance", "mean")
    )
    table.loc["all"] = [len(maps), maps["pointing"].mean(), maps["pointing_chance"].mean()]
    print(f"accuracy {accuracy:.3f}; {arguments.method} at {arguments.layer or 'what suits it'}")
    print(table.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
