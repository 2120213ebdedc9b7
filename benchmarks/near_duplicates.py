"""Near duplicates: which kinds of copies the audit finds on real scans, and what else it takes for copies.

Usage: python benchmarks/near_duplicates.py FOLDER [--pictures FOLDER]

FOLDER holds Kermany's class folders. The patients are divided into two halves (seed 0): the thresholds of
octlib.data.near_pairs were chosen on the first, and what counts is the second. Of every scan a copy of each kind is
made and searched for among all scans of the half. The last column repeats the search with leaves so small that there
are as many divisions as among 100,000 scans. --pictures writes the likest pairs among the scans as they are.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import octlib
from octlib.data import OctDataset
from octlib.data.likeness import details, likeness, thumbnail
from octlib.data.near_pairs import ALIKE, LEAF, NearPair, near_pairs

Pixels = NDArray[np.uint8]
RNG = np.random.default_rng(0)
MANY = 100_000
CLOSEST = 3  # pairs below the threshold that are printed


def encoded(scan: Pixels, quality: int) -> Pixels:
    """Encode as JPEG and decode again."""
    file = io.BytesIO()
    Image.fromarray(scan).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("L"))


def resized(scan: Pixels, factor: float) -> Pixels:
    """Resize by a factor."""
    height, width = (round(side * factor) for side in scan.shape)
    return np.asarray(Image.fromarray(scan).resize((width, height), Image.Resampling.BICUBIC))


def brightened(scan: Pixels, factor: float, offset: float, gamma: float = 1) -> Pixels:
    """Change brightness, contrast and gamma; what leaves the range is clipped."""
    return np.clip(255 * (scan / 255) ** gamma * factor + offset, 0, 255).astype(np.uint8)


def cropped(scan: Pixels, share: float) -> Pixels:
    """Cut a share of the height and of the width off, at random from both sides."""
    height, width = (side - round(side * share) for side in scan.shape)
    top, left = (int(RNG.integers(0, old - new + 1)) for old, new in zip(scan.shape, (height, width), strict=True))
    return scan[top : top + height, left : left + width]


def everything(scan: Pixels) -> Pixels:
    """Crop, brighten, mirror, resize and encode."""
    return encoded(resized(brightened(cropped(scan, 0.02), 1.2, 10)[:, ::-1], 0.7), 70)


COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "JPEG, quality 95": lambda scan: encoded(scan, 95),
    "JPEG, quality 50": lambda scan: encoded(scan, 50),
    "half the size": lambda scan: resized(scan, 0.5),
    "twice the size": lambda scan: resized(scan, 2),
    "mirrored": lambda scan: scan[:, ::-1],
    "brighter (x 1.3 + 25)": lambda scan: brightened(scan, 1.3, 25),
    "darker (x 0.7 - 5)": lambda scan: brightened(scan, 0.7, -5),
    "gamma 0.6": lambda scan: brightened(scan, 1, 0, 0.6),
    "cropped by 2 %": lambda scan: cropped(scan, 0.02),
    "cropped by 4 %": lambda scan: cropped(scan, 0.04),
    "cropped by 2 %, brighter, mirrored, x 0.7, JPEG 70": everything,
    "turned by 2 degrees": lambda scan: np.asarray(Image.fromarray(scan).rotate(2, Image.Resampling.BILINEAR)),
}


def main() -> None:
    """Print a table for each half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    scans = octlib.load_oct_dataset(arguments.folder)
    for name, half in zip(("chosen on", "reported"), scans.split((0.5, 0.5), seed=0), strict=True):
        measure(name, half, arguments.pictures)
    report_others("all scans", scans, np.stack([thumbnail(scan.read()) for scan in scans]), arguments.pictures)


def measure(name: str, scans: OctDataset, pictures: Path | None) -> None:
    """Print what is found in one half."""
    images = [scan.read() for scan in scans]
    originals = np.stack([thumbnail(image) for image in images])
    report_others(name, scans, originals, pictures)
    levels = np.log2(4 * MANY / LEAF)
    small = max(4, round(8 * len(scans) / 2**levels))
    print(f"{'copies':<52}{'found':>8}{'likeness from':>15}{f'leaves of {small}':>15}")
    for kind, copy in COPIES.items():
        copies = np.stack([thumbnail(np.ascontiguousarray(copy(image))) for image in images])
        both = np.concatenate([originals, copies])
        found = own(near_pairs(both), len(scans))
        with mock.patch("octlib.data.near_pairs.LEAF", small):
            among_many = own(near_pairs(both), len(scans))
        lowest = min((pair.likeness for pair in found), default=float("nan"))
        shares = len(found) / len(scans), len(among_many) / len(scans)
        print(f"{kind:<52}{shares[0]:>8.3f}{lowest:>15.2f}{shares[1]:>15.3f}", flush=True)


def own(pairs: list[NearPair], n: int) -> list[NearPair]:
    """Choose the pairs of a scan and its own copy."""
    return [pair for pair in pairs if pair.later - pair.earlier == n]


def report_others(name: str, scans: OctDataset, thumbnails: Pixels, folder: Path | None) -> None:
    """Print the pairs that are taken for copies among the scans as they are, and the likest that are not."""
    n = len(scans)
    flagged = near_pairs(thumbnails)
    print(f"\n{name}: {n} scans, {n * (n - 1) // 2:,} pairs, of which {len(flagged)} count as copies (from {ALIKE})")
    with mock.patch("octlib.data.near_pairs.ALIKE", 0.0):
        ranked = sorted(near_pairs(thumbnails), key=lambda pair: -pair.likeness)
    for pair in ranked[: len(flagged) + CLOSEST]:
        one, other = scans[pair.earlier], scans[pair.later]
        people = "one patient" if one.patient == other.patient else "two patients"
        fine = details(thumbnails[[pair.earlier, pair.later]])
        first = fine[0, :, ::-1] if pair.mirrored else fine[0]
        still = max(likeness(first, fine[1]), likeness(fine[1], first))
        print(f"  {still:.2f} {one.name}, {other.name}{', mirrored' if pair.mirrored else ''}: {people}")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            row = [np.asarray(Image.fromarray(scan.read()).resize((512, 496))) for scan in (one, other)]
            Image.fromarray(np.hstack(row)).save(
                folder / f"{still:.2f}-{Path(one.name).stem}-{Path(other.name).stem}.png"
            )


if __name__ == "__main__":
    main()
