"""Imbalance: F1 of each class when training scans are as unequal as in Kermany's set, with and without a remedy.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/imbalance.py [--seeds 0 1 2 3]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. The training part of
each of five folds by patient is thinned out to the shares of Kermany's training part; the test part stays as it is.
"""

from __future__ import annotations

import argparse
import os
from importlib.metadata import version

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

import octlib

SHARES = {"CNV": 0.45, "DME": 0.14, "DRUSEN": 0.10, "NORMAL": 0.31}
REMEDIES = (None, "balanced", "logit_adjustment")


def thinned(scans: octlib.OctDataset, seed: int) -> octlib.OctDataset:
    """Leave out scans at random until the classes have their shares."""
    counts = np.bincount(scans.labels, minlength=4)
    shares = np.array([SHARES[name] for name in scans.class_names])
    wanted = (shares * (counts / shares).min()).astype(int)
    order = np.random.default_rng(seed).permutation(len(scans))
    rank = np.empty(len(scans), int)
    for label in range(4):
        places = order[scans.labels[order] == label]
        rank[places] = np.arange(len(places))
    return scans.subset(rank < wanted[scans.labels])


def predictions(scans: octlib.OctDataset, remedy: str | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predict every scan by a classifier that has not seen its patient; return truth and prediction."""
    truth, predicted = [], []
    for train, test in scans.folds(5, seed=seed):
        classifier = octlib.build_classifier(
            "mobilenetv2_100", weights=os.environ["OCTLIB_WEIGHTS"], class_names=scans.class_names
        )
        octlib.fit(classifier, thinned(train, seed), class_weight=remedy, progress=False)
        truth += [scan.label for scan in test]
        predicted += octlib.predict(classifier, test)["predicted"].tolist()
    return np.array(truth), np.array(predicted)


def main() -> None:
    """Print a row for each remedy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    seeds = parser.parse_args().seeds
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    thin = thinned(scans.folds(5)[0][0], 0)
    versions = ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm"))
    print(f"mobilenetv2_100 frozen, five folds by patient, seeds {seeds}; {versions}")
    print(f"each fold trains on about {len(thin)} scans: {SHARES}\n")
    rows = []
    for remedy in REMEDIES:
        results = [predictions(scans, remedy, seed) for seed in seeds]
        names = scans.class_names
        scores = np.mean([f1_score(*result, average=None, labels=names) for result in results], axis=0)
        accuracy = np.mean([np.mean(truth == predicted) for truth, predicted in results])
        f1 = {f"F1 {name}": score for name, score in zip(names, scores, strict=True)}
        rows.append({"class_weight": str(remedy), "accuracy": accuracy, "macro F1": scores.mean(), **f1})
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
