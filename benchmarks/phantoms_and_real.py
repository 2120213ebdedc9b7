"""Phantoms and real scans: how alike they are, in figures, and what a classifier of one says of the other.

Usage: OCTLIB_KERMANY=FOLDER [OCTLIB_WEIGHTS=FOLDER] python benchmarks/phantoms_and_real.py [--statistics-only]

OCTLIB_KERMANY has class folders of scans; OCTLIB_WEIGHTS is the timm folder of an ImageNet mobilenetv2_100.
White wedges are left out of every figure. Seeds: phantoms 0, split 0, training 0.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import ndimage

import octlib
from octlib.data import OctDataset

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
SCANS = 120  # of each kind, the classes in turn
BANDS = ((2, 4), (4, 8), (8, 16), (16, 64))  # pixels a period


def figures(image: np.ndarray) -> dict[str, float]:
    """Measure one scan: uint8 (height, width)."""
    scan = image.astype(np.float32)
    valid = ~ndimage.binary_dilation(image >= 250, iterations=6)
    found = {f"grey, quantile {q}": float(np.quantile(scan[valid], q)) for q in QUANTILES}
    found["black pixels, %"] = 100 * float((scan[valid] < 8).mean())
    mean = ndimage.uniform_filter(scan, (5, 15))
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(scan**2, (5, 15)) - mean**2, 0))
    even = valid & (np.abs(ndimage.gaussian_filter(scan, 3, order=(1, 0))) < 1)
    for name, low, high in (("vitreous and depth", 10, 40), ("inner retina", 50, 110)):
        part = even & (mean >= low) & (mean < high)
        found[f"speckle contrast, {name}"] = float(np.median(spread[part] / mean[part])) if part.any() else np.nan
    grain = scan - ndimage.gaussian_filter(scan, 3)
    retina = even & (mean >= 50) & (mean < 110)
    for name, shift in (("across", (0, 1)), ("down", (1, 0))):
        moved = np.roll(grain, shift, (0, 1))
        found[f"speckle correlation at 1 pixel {name}"] = float(
            (grain * moved)[retina].sum() / (grain**2)[retina].sum()
        )
    return found | spectrum(np.where(valid, scan, np.median(scan[valid]))) | layers(scan, valid)


def spectrum(scan: np.ndarray) -> dict[str, float]:
    """Share the variance out over bands of spatial periods, in %."""
    height, width = scan.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(np.fft.rfft2((scan - scan.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    inside = (radius > 1 / 64) & (radius <= 1 / 2)
    return {
        f"power at periods of {low}-{high} pixels, %": 100
        * float(power[(radius > 1 / high) & (radius <= 1 / low) & inside].sum() / power[inside].sum())
        for low, high in BANDS
    }


def layers(scan: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    """Measure grey values along the columns, aligned at the brightest band (the RPE)."""
    smooth = ndimage.gaussian_filter(np.where(valid, scan, 0), (1.5, 4))
    brightest = smooth.argmax(axis=0)
    profile = np.nanmedian(
        [
            smooth[np.clip(brightest + offset, 0, scan.shape[0] - 1), np.arange(scan.shape[1])]
            for offset in (0, -22, -60, 15, 60)
        ],
        axis=1,
    )
    names = ("RPE", "22 rows above (ONL)", "60 rows above (inner retina)", "15 rows below (choroid)", "60 rows below")
    return {f"grey of {name}": float(value) for name, value in zip(names, profile, strict=True)}


def measure(scans: Iterable[octlib.data.Scan]) -> pd.DataFrame:
    """Measure scans: a row for each."""
    return pd.DataFrame([figures(scan.read()) for scan in scans])


def table(real: OctDataset, phantoms: OctDataset) -> pd.DataFrame:
    """Put median and 10th to 90th percentile of both kinds side by side."""
    measured = {"real": measure(real), "phantoms": measure(phantoms)}
    columns = {}
    for kind, rows in measured.items():
        columns[kind] = rows.median()
        columns[f"{kind}, 10 % to 90 %"] = [
            f"{low:.3g} to {high:.3g}" for low, high in zip(rows.quantile(0.1), rows.quantile(0.9), strict=True)
        ]
    return pd.DataFrame(columns)


def across(backbone: str, train: OctDataset, test: OctDataset) -> octlib.Evaluation:
    """Train a frozen classifier on one kind of scans and test it on the other."""
    weights = "pretrained" if backbone == "octlib" else os.environ["OCTLIB_WEIGHTS"]
    classifier = octlib.build_classifier(backbone, class_names=train.class_names, weights=weights)
    octlib.fit(classifier, train, progress=False)
    return octlib.evaluate(classifier, test)


def main() -> None:
    """Print the table and what classifiers say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--statistics-only", action="store_true")
    statistics_only = parser.parse_args().statistics_only
    real = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    phantoms = octlib.load_oct_dataset("phantoms")
    print(table(real.sample(SCANS), phantoms.sample(SCANS)).to_string(float_format="{:.3g}".format))
    if not statistics_only:
        for backbone in ("mobilenetv2_100", "octlib"):
            print(f"{backbone}, trained on phantoms, tested on real scans\n{across(backbone, phantoms, real)}")
            print(f"{backbone}, trained on real scans, tested on phantoms\n{across(backbone, real, phantoms)}")


if __name__ == "__main__":
    main()
