"""Phantom gallery: the pictures of the documentation's page about phantoms.

Usage: python benchmarks/phantom_gallery.py [docs/images]

Draws phantoms by class and severity, by device, and with their truth. Needs no data and no network connection.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from octlib.phantoms import CLASS_NAMES, DEVICES, Phantom, PhantomSpec, render

FOLDER = Path("docs/images")
SEVERITIES = (0.1, 0.4, 0.7, 1.0)
COLOURS = {"drusen": "gold", "PED": "orange", "SHRM": "tomato", "SRF": "deepskyblue", "IRF": "cyan", "exudates": "lime"}
LINES = ("top of ILM", "top of GCL", "top of INL", "top of OPL", "top of ONL", "top of EZ", "top of RPE", "BM", "CSI")


def show(axis: Axes, phantom: Phantom, title: str) -> None:
    """Draw a phantom without axes."""
    axis.imshow(phantom.image, cmap="gray", vmin=0, vmax=255, aspect="auto")
    axis.set_title(title, fontsize="medium")
    axis.set_axis_off()


def by_severity() -> plt.Figure:
    """Draw each class at several severities, one patient a row; of healthy eyes, several patients."""
    figure, axes = plt.subplots(4, 4, figsize=(10, 9), layout="constrained")
    for row, label in enumerate(CLASS_NAMES):
        for column, severity in enumerate(SEVERITIES):
            number = 21 + column if label == "NORMAL" else 23 + 2 * row
            phantom = render(PhantomSpec(label, number, scan=1, severity=severity))
            age = f"{label}, aged {phantom.parameters['age']:.0f}"
            show(axes[row, column], phantom, age if label == "NORMAL" else f"{label}, severity {severity}")
    return figure


def by_device() -> plt.Figure:
    """Draw one eye as each device shows it."""
    figure, axes = plt.subplots(1, len(DEVICES), figsize=(12, 2.7), layout="constrained")
    for axis, name in zip(axes, DEVICES, strict=True):
        show(axis, render(PhantomSpec("DRUSEN", 31, scan=1, device=name)), name)
    return figure


def with_truth() -> plt.Figure:
    """Draw one scan of each disease, and the same with its lesions by kind and its layers."""
    figure, axes = plt.subplots(2, 3, figsize=(10, 6.4), layout="constrained")
    for column, (label, number) in enumerate((("CNV", 45), ("DME", 42), ("DRUSEN", 31))):
        phantom = render(PhantomSpec(label, number, scan=1, severity=0.9, wedges=False))
        show(axes[0, column], phantom, label)
        show(axes[1, column], phantom, ", ".join(phantom.masks))
        for kind, mask in phantom.masks.items():
            axes[1, column].contourf(mask, [0.5, 1], colors=[COLOURS[kind]], alpha=0.55)
        for name in LINES:
            axes[1, column].plot(
                np.arange(phantom.image.shape[1]), phantom.boundaries[name], color="white", linewidth=0.5
            )
    return figure


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, draw in (("phantoms", by_severity), ("phantom_devices", by_device), ("phantom_truth", with_truth)):
        path = folder / f"{name}.png"
        draw().savefig(path, dpi=90)
        # A palette is enough for the web, and a third of the size.
        Image.open(path).convert("RGB").quantize(96).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
