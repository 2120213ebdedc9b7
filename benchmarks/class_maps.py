"""Class maps: how alike maps of the same scan for different classes are, by method and layer.

Usage: OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/class_maps.py

TIMM_FOLDER has the ImageNet weights of mobilenetv2_100. Frozen classifiers by octlib's defaults, trained on four fifths
of the patients of the phantoms (seed 0); 24 phantoms of the others are explained for each of the four classes. What is
printed is the mean correlation of the maps of two classes: 1 of maps that are the same whatever is asked.
"""

from __future__ import annotations

import os
import warnings
from itertools import combinations

import numpy as np

import octlib
from octlib.errors import ConstantMapWarning
from octlib.explanation.ranks import correlations

LAYERS = {"octlib": "last map", "mobilenetv2_100": "blocks.4"}  # 14 x 14 cells
METHODS = ("elementwisecam", "layercam", "hirescam", "gradcam")


def alike(classifier: octlib.OctClassifier, scans: octlib.OctDataset, method: str, layer: str) -> float:
    """Correlate the maps of each two classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantMapWarning)  # whose correlation with any other is 0
        maps = [
            octlib.explain(classifier, scans, method=method, layer=layer, target=name, progress=False).heatmaps
            for name in classifier.class_names
        ]
    return float(np.mean([correlations(one, other).mean() for one, other in combinations(maps, 2)]))


def main() -> None:
    """Print a line for each backbone, method and layer."""
    scans = octlib.load_oct_dataset("phantoms")
    train, test = scans.folds(5, seed=0)[0]
    for backbone, layer in LAYERS.items():
        weights = "pretrained" if backbone == "octlib" else os.environ["OCTLIB_WEIGHTS"]
        classifier = octlib.build_classifier(backbone, weights=weights, class_names=scans.class_names)
        octlib.fit(classifier, train, progress=False)
        for method in METHODS:
            for place in dict.fromkeys((layer, "last map")):
                found = alike(classifier, test.sample(24), method, place)
                print(f"{backbone}, {method} at {place}: {found:.3f}", flush=True)


if __name__ == "__main__":
    main()
