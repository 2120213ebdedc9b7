"""Other patients: trained on one folder of real scans, evaluated on another that no choice was ever made on.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/other_patients.py OTHER [--fine-tuned]

FOLDER and OTHER have class folders of Kermany scans, of different patients; TIMM_FOLDER the ImageNet weights of
mobilenetv2_100. Defaults only: both backbones frozen, octlib's own with a head from phantoms alone, and on request
MobileNetV2 fine-tuned. Two cores take two minutes, and ten more for the fine-tuning.
"""

from __future__ import annotations

import argparse
import os
from importlib.metadata import version

import octlib


def mobilenet(freeze: bool = True) -> octlib.OctClassifier:
    """Build a classifier on ImageNet features."""
    return octlib.build_classifier("mobilenetv2_100", freeze=freeze, weights=os.environ["OCTLIB_WEIGHTS"])


def report(title: str, classifier: octlib.OctClassifier, train: octlib.OctDataset, test: octlib.OctDataset) -> None:
    """Train, evaluate and print one line."""
    octlib.fit(classifier, train, progress=False)
    result = octlib.evaluate(classifier, test, progress=False)
    low, high = result.intervals["accuracy"]
    print(f"{title:44} {result.accuracy:.3f} ({low:.3f} to {high:.3f})", flush=True)


def main() -> None:
    """Print the accuracy of each recipe with its interval over patients."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", metavar="OTHER")
    parser.add_argument("--fine-tuned", action="store_true")
    arguments = parser.parse_args()
    train = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    test = octlib.load_oct_dataset(arguments.other)
    shared = set(train.patients) & set(test.patients)
    if shared:
        raise SystemExit(f"The folders must have different patients, and {len(shared)} are in both.")
    print(train, test, sep="\n")
    print(", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm")), "\n")
    phantoms = octlib.load_oct_dataset("phantoms")
    report("MobileNetV2, frozen", mobilenet(), train, test)
    report("octlib's own, frozen", octlib.build_classifier("octlib"), train, test)
    both = octlib.build_classifier(("octlib", "mobilenetv2_100"), weights=("pretrained", os.environ["OCTLIB_WEIGHTS"]))
    report("octlib's own and MobileNetV2, frozen", both, train, test)
    report("octlib's own, frozen, head from phantoms", octlib.build_classifier("octlib"), phantoms, test)
    if arguments.fine_tuned:
        report("MobileNetV2, fine-tuned", mobilenet(freeze=False), train, test)


if __name__ == "__main__":
    main()
