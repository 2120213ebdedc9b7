"""Readme figure: phantoms, what a classifier sees in them, and where their lesions are.

Usage: python benchmarks/readme_figure.py [docs/images/explanations.png]

A small network trains from scratch on two thirds of the patients for a minute or two; the picture shows scans of
patients that it has never seen, one of each class. Needs no data and no network connection.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import octlib
from octlib.phantoms import Phantom, make_phantoms

SIZE = (248, 256)
FIGURE = Path("docs/images/explanations.png")


def train(phantoms: list[Phantom]) -> octlib.OctClassifier:
    """Train a small network from scratch."""
    classifier = octlib.build_classifier("test_resnet", freeze=False, weights=None, image_size=144)
    octlib.fit(classifier, as_scans(phantoms), epochs=25, learning_rate=3e-3)
    return classifier


def as_scans(phantoms: list[Phantom]) -> octlib.OctDataset:
    """Make a dataset of phantoms."""
    images = np.stack([phantom.image for phantom in phantoms])
    labels = [phantom.label for phantom in phantoms]
    return octlib.load_oct_dataset((images, labels, [phantom.patient for phantom in phantoms]))


def draw(phantoms: list[Phantom], maps: octlib.Explanation) -> plt.Figure:
    """Draw scans above their maps, with the outline of the lesion on both."""
    figure, axes = plt.subplots(2, len(phantoms), figsize=(9, 4.6), layout="constrained")
    for column, (phantom, overlay) in enumerate(zip(phantoms, maps.overlays(), strict=True)):
        axes[0, column].imshow(phantom.image, cmap="gray", vmin=0, vmax=255)
        axes[0, column].set_title(phantom.label)
        axes[1, column].imshow(overlay)
        axes[1, column].set_title(f"evidence for {maps.targets[column]}", fontsize="medium")
        for axis in axes[:, column]:
            axis.set_axis_off()
        if phantom.mask.any():
            axes[1, column].contour(phantom.mask, [0.5], colors="white", linewidths=0.8)
    return figure


def main() -> None:
    """Train, explain one unseen patient of each class, and write the picture."""
    phantoms = make_phantoms(120, scans_per_patient=3, size=SIZE)
    classifier = train([phantom for phantom in phantoms if int(phantom.patient[1:]) <= 80])
    shown = [phantom for phantom in phantoms if int(phantom.patient[1:]) > 116][::3]
    maps = octlib.explain(classifier, as_scans(shown), target=[phantom.label for phantom in shown])
    figure = draw(shown, maps)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURE
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=82)
    # A palette is enough for the web, and a third of the size.
    Image.open(path).convert("RGB").quantize(192).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
