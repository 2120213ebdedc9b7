"""Search: GridSearchCV over twenty penalties of the head, in passes of the scans through the backbone.

Usage: OCTLIB_KERMANY=FOLDER python benchmarks/search.py [--backbone resnet50] [--weights TIMM_FOLDER]

FOLDER has class folders of Kermany scans. Five folds by patient, so 100 fits, and one on all scans in the end. Without
weights they are random: a pass costs the same, and solving more, since such features tell classes apart badly. The pass
is timed before and after the search, since machines grow slower and faster.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

import octlib
from octlib.features import extract_features


def main() -> None:
    """Print the seconds of a pass and of a search, and how many passes that is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--weights")
    arguments = parser.parse_args()
    settings: dict[str, Any] = {"backbone": arguments.backbone, "weights": arguments.weights}
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OCTLIB_CACHE"] = folder
        classifier = octlib.build_classifier(**settings)
        extract_features(classifier, scans.sample(64), cache=False, progress=False)  # to warm up
        passes = [_seconds_of_pass(classifier, scans)]
        estimator = octlib.OctEstimator(**settings)
        search = GridSearchCV(estimator, {"l2": np.logspace(-4, 1, 20)}, cv=StratifiedGroupKFold(5))
        started = time.perf_counter()
        search.fit(scans, scans.column("label"), groups=scans.patient_groups())
        whole = time.perf_counter() - started
        passes.append(_seconds_of_pass(classifier, scans))
    one_pass = sum(passes) / 2
    print(f"{arguments.backbone}, {len(scans)} scans: pass {one_pass:.1f} s, search {whole:.1f} s", end="")
    print(f" = {whole / one_pass:.2f} passes")


def _seconds_of_pass(classifier: octlib.OctClassifier, scans: octlib.OctDataset) -> float:
    started = time.perf_counter()
    extract_features(classifier, scans, cache=False, progress=False)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
