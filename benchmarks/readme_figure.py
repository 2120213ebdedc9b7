"""Readme figure: phantoms, what a classifier sees in them, and where their lesions are.

Usage: python benchmarks/readme_figure.py [docs/images/explanations.png]

A classifier on octlib's own backbone trains on phantoms; the picture shows scans of patients that it has never seen,
one of each class. Needs no data and no network connection.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

import octlib

FIGURE = Path("docs/images/explanations.png")


def draw(maps: octlib.Explanation) -> plt.Figure:
    """Draw scans above their maps, with the outline of the lesion on both."""
    figure, axes = plt.subplots(2, len(maps.scans), figsize=(9, 4.6), layout="constrained")
    for column, (scan, overlay) in enumerate(zip(maps.scans, maps.overlays(), strict=True)):
        axes[0, column].imshow(scan.read(), cmap="gray", vmin=0, vmax=255)
        axes[0, column].set_title(scan.label)
        axes[1, column].imshow(overlay)
        axes[1, column].set_title(f"evidence for {maps.targets[column]}", fontsize="medium")
        for axis in axes[:, column]:
            axis.set_axis_off()
        if scan.lesion_mask().any():
            axes[1, column].contour(scan.lesion_mask(), [0.5], colors="white", linewidths=0.8)
    return figure


def main() -> None:
    """Train, explain one unseen patient of each class, and write the picture."""
    scans = octlib.load_oct_dataset("phantoms")
    train, test = scans.split((0.8, 0.2))
    classifier = octlib.build_classifier("octlib", class_names=scans.class_names)
    octlib.fit(classifier, train)
    figure = draw(octlib.explain(classifier, test.sample(4)))
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURE
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=82)
    # A palette is enough for the web, and a third of the size.
    Image.open(path).convert("RGB").quantize(192).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
