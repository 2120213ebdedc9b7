"""Preprocessing: what the steps before the network cost, and whether they pay, by nested folds.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/preprocessing.py [--backbones own mobilenet]
           [--settings none crop ...] [--imitations "close crop" ...] [--seed 0] [--speed]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. Frozen classifiers, five
folds by patient, octlib's defaults but for the setting of the row. They are trained on scans as they are, and tested on
the others as they are and under imitations of another device (other_device.py), which nothing is trained on; but the
search for the retina was settled by looking at some of these scans, as they are and imitated.
The last row is nested: four inner folds by patient of each training part choose the setting by their accuracy, on scans
as they are, and the outer fold reports. Each setting costs one pass a backbone and variant: half a minute on a core.
--speed times the steps alone, on one thread.
"""

from __future__ import annotations

import argparse
import os
import time
from importlib.metadata import version

import numpy as np
import pandas as pd
from other_device import IMITATIONS, Grey
from PIL import Image

import octlib
from octlib.preprocessing import STEPS, resize_scan

SETTINGS: dict[str, dict[str, object]] = {
    "none": {},
    "contrast": {"steps": ("blank_wedges", "normalise_contrast")},
    "crop": {"steps": ("blank_wedges", "crop_retina")},
    "flatten, crop": {"steps": ("blank_wedges", "flatten_retina", "crop_retina")},
    "all steps": {"steps": ("blank_wedges", "normalise_contrast", "flatten_retina", "crop_retina")},
    "pad": {"resize": "pad"},
}
BACKBONES = {"own": "octlib", "mobilenet": "mobilenetv2_100"}
SHOWN = ("close crop", "all")


def built(backbone: str, setting: str, class_names: tuple[str, ...]) -> octlib.OctClassifier:
    """Build a frozen classifier with the preprocessing of a setting."""
    weights = "pretrained" if backbone == "own" else os.environ["OCTLIB_WEIGHTS"]
    return octlib.build_classifier(BACKBONES[backbone], weights=weights, class_names=class_names, **SETTINGS[setting])


def right(classifier: octlib.OctClassifier, scans: octlib.OctDataset) -> np.ndarray:
    """Say which scans are classified correctly: bool (n,)."""
    predicted = octlib.predict(classifier, scans, progress=False)["predicted"].to_numpy()
    return np.asarray(predicted == [scan.label for scan in scans])


def inner_accuracy(classifier: octlib.OctClassifier, train: octlib.OctDataset, seed: int) -> float:
    """Give the accuracy over four folds of a training part."""
    found = []
    for part, rest in train.folds(4, seed=seed):
        octlib.fit(classifier, part, progress=False)
        found.append(right(classifier, rest))
    return float(np.concatenate(found).mean())


def measure(backbone: str, variants: dict[str, octlib.OctDataset], settings: list[str], seed: int) -> pd.DataFrame:
    """Return the accuracy on each variant: a row for each setting, and one for what inner folds choose."""
    scans = next(iter(variants.values()))
    place = {name: position for position, name in enumerate(scans.names)}
    classifiers = {setting: built(backbone, setting, scans.class_names) for setting in settings}
    rows: dict[str, list[pd.DataFrame]] = {setting: [] for setting in [*settings, "chosen by inner folds"]}
    chosen = []
    for train, test in scans.folds(5, seed=seed):
        places = [place[name] for name in test.names]
        inner = {}
        for setting, classifier in classifiers.items():
            inner[setting] = inner_accuracy(classifier, train, seed)
            octlib.fit(classifier, train, progress=False)
            hits = {name: right(classifier, variant.subset(places)) for name, variant in variants.items()}
            rows[setting].append(pd.DataFrame(hits))
        chosen.append(max(inner, key=lambda setting: inner[setting]))
        rows["chosen by inner folds"].append(rows[chosen[-1]][-1])
        print(f"{backbone}, inner folds: { ({name: round(value, 3) for name, value in inner.items()}) }", flush=True)
    print(f"{backbone}, chosen: {chosen}", flush=True)
    return pd.DataFrame({setting: pd.concat(parts).mean() for setting, parts in rows.items()}).T


def imitated(scans: octlib.OctDataset, names: list[str]) -> dict[str, octlib.OctDataset]:
    """Make the scans as they are and under each imitation, in the same order."""
    found, labels = {"as they are": scans}, [scan.label for scan in scans]
    for name in names:
        images = [IMITATIONS[name](scan.read()) for scan in scans]
        found[name] = octlib.load_oct_dataset((images, labels), class_names=scans.class_names)
    return found


def time_steps(scans: octlib.OctDataset) -> None:
    """Print the milliseconds that each step takes for a scan of 496 x 512: the median over scans, best of three."""
    images: list[Grey] = [np.asarray(Image.fromarray(scan.read()).resize((512, 496))) for scan in scans.sample(40)]
    works = {**STEPS, "resizing alone": lambda image: resize_scan(image, 224)}
    for name, work in works.items():
        print(f"{name:20} {1000 * np.median([min(seconds(work, image) for _ in range(3)) for image in images]):.1f} ms")


def seconds(work: object, image: Grey) -> float:
    """Give the seconds of processor time that a step takes once."""
    started = time.process_time()
    work(image)  # type: ignore[operator]
    return time.process_time() - started


def main() -> None:
    """Print a table for each backbone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="+", choices=BACKBONES, default=list(BACKBONES))
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--imitations", nargs="*", choices=IMITATIONS, default=list(SHOWN))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    print(scans, ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm")), sep="\n")
    if arguments.speed:
        time_steps(scans)
        return
    variants = imitated(scans, arguments.imitations)
    for backbone in arguments.backbones:
        started = time.process_time()
        table = measure(backbone, variants, arguments.settings, arguments.seed)
        print(f"\n{backbone}, seed {arguments.seed}, {time.process_time() - started:.0f} s")
        print(table.to_string(float_format="{:.3f}".format), "\n", flush=True)


if __name__ == "__main__":
    main()
