"""Other device: how much accuracy is lost on scans that imitate another device, for every recipe.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/other_device.py [--folds 5] [--seed 0]
           [--recipes own mobilenet both phantoms mobilenet-fine-tuned own-fine-tuned] [--own TIMM_FOLDER]
           [--sheet FILE.png]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100; --own takes weights of
octlib's backbone that aren't in the package yet. Five folds by patient (seed 0): the classifier of each fold is trained
once, by octlib's defaults, on scans as they are, and evaluated on the rest as they are and under each of IMITATIONS;
--folds 1 does the first fold alone. --sheet draws some scans under all imitations, and does no more. The default
recipes are the frozen ones, ten minutes on a core; the fine-tuned ones take up to an hour each.

No scan of another device can be shared with the project; these imitate what is known to differ. They are fixed, their
noise is seeded by the scan, and nothing may be trained on them: what they tell, they tell of devices never seen.
"""

from __future__ import annotations

import argparse
import os
import zlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

import octlib
from octlib.preprocessing import blank_wedges

FROZEN = ("own", "mobilenet", "both", "phantoms")
RECIPES = (*FROZEN, "mobilenet-fine-tuned", "own-fine-tuned")

Grey = np.ndarray  # uint8 (height, width)


# ---------------------------------------------------------------------------------------------------------- imitations


def retina(scan: Grey) -> tuple[np.ndarray, np.ndarray]:
    """Find the upper and the lower border of the bright tissue in each column, in rows, smooth over columns."""
    smooth = ndimage.gaussian_filter(scan.astype(np.float32), (scan.shape[0] / 120, scan.shape[1] / 60))
    dark, bright = np.quantile(smooth, (0.3, 0.9))
    regions, count = ndimage.label(smooth > dark + 0.4 * (bright - dark))
    tissue = regions == 1 + np.bincount(regions.ravel(), minlength=count + 1)[1:].argmax()
    columns = np.flatnonzero(tissue.any(axis=0))
    upper = tissue.argmax(axis=0)[columns]
    lower = (scan.shape[0] - 1 - tissue[::-1].argmax(axis=0))[columns]
    everywhere, width = np.arange(scan.shape[1]), scan.shape[1] // 12
    return tuple(
        ndimage.median_filter(np.interp(everywhere, columns, border), width, mode="nearest")
        for border in (upper, lower)
    )


def close_crop(scan: Grey) -> Grey:
    """Keep the rows that hold the retina: programs export, and authors of collections cut, what is of interest."""
    scan = blank_wedges(scan)
    upper, lower = retina(scan)
    margin = 0.04 * len(scan)
    top, bottom = np.quantile(upper, 0.02) - margin, np.quantile(lower, 0.98) + margin
    return scan[max(0, int(top)) : int(bottom)]


def flattening(scan: Grey) -> Grey:
    """Shift columns until the lower border of the retina lies level, as many programs show it: curvature is gone."""
    scan = blank_wedges(scan)
    lower = retina(scan)[1]
    places = np.arange(scan.shape[1])
    # A parabola follows the eye's curvature, and no lesion.
    curve = np.polyval(np.polyfit(places / places.size, lower, 2), places / places.size)
    rows = np.arange(len(scan))[:, None] + np.round(curve - np.median(curve)).astype(int)
    inside = (rows >= 0) & (rows < len(scan))
    return np.where(inside, scan[np.clip(rows, 0, len(scan) - 1), places], 0).astype(np.uint8)


def deep_field(scan: Grey) -> Grey:
    """Show half as much again in depth, 2.9 mm in place of 1.9: the retina is flat in the picture, amid noise."""
    scan = blank_wedges(scan)
    height, width = scan.shape
    rng = seeded(scan)
    small = np.asarray(Image.fromarray(scan).resize((width, height * 2 // 3), Image.Resampling.BOX))
    dark = np.sort(small[small > 0])[: small.size // 2]
    deep = rng.choice(dark, size=scan.shape).astype(np.uint8)
    inside = deep[(height - len(small)) // 2 :][: len(small)]
    np.copyto(inside, small, where=small > 0)
    return deep


def grey_floor(scan: Grey) -> Grey:
    """Lift the dark greys, as a display of the intensity's logarithm does, where noise is grey and not black."""
    return curve_of_display(scan, gamma=0.55, gain=0.95)


def dark_display(scan: Grey) -> Grey:
    """Sink the dark greys and take a fifth of the gain, as a nearly linear display or a cataract does."""
    return curve_of_display(scan, gamma=1.6, gain=0.8)


def smoothing(scan: Grey) -> Grey:
    """Even out grains: the mean of many frames, or a program's denoising."""
    scan = blank_wedges(scan)
    return ndimage.gaussian_filter(ndimage.median_filter(scan, 3), grain_of(scan, 1.3, 1.3))


def coarse_speckle(scan: Grey) -> Grey:
    """Multiply by other speckle, with coarse grains: a narrow spectrum and a wide spot of light.

    The amplitude of each of three frames is a complex Gaussian field (Goodman, Speckle Phenomena in Optics, sections
    3.2 and 3.3), so intensity is the sum of six squares; greys are taken for the fourth root of intensity.
    """
    scan = blank_wedges(scan)
    rng, grain = seeded(scan), grain_of(scan, 1.2, 2.0)
    parts = (ndimage.gaussian_filter(rng.standard_normal(scan.shape, np.float32), grain) for _ in range(6))
    intensity = np.sum([part**2 for part in parts], axis=0)
    factor = np.sqrt(np.sqrt(intensity / intensity.mean()))
    return np.clip(scan * (factor / factor.mean()), 0, 255).astype(np.uint8)


def all_together(scan: Grey) -> Grey:
    """Imitate a published collection of another device: flattened, cut close, averaged, displayed brighter, small."""
    cut = smoothing(close_crop(flattening(coarse_speckle(scan))))
    return grey_floor(np.asarray(Image.fromarray(cut).resize((507, 291), Image.Resampling.BILINEAR)))


IMITATIONS: dict[str, Callable[[Grey], Grey]] = {
    "close crop": close_crop,
    "flattened": flattening,
    "deep field": deep_field,
    "grey floor": grey_floor,
    "dark": dark_display,
    "smooth": smoothing,
    "coarse speckle": coarse_speckle,
    "all": all_together,
}


def curve_of_display(scan: Grey, gamma: float, gain: float) -> Grey:
    """Map greys by a power and a factor; wedges are blanked before, and what is black for want of a scan stays so."""
    table = 255 * np.clip(gain * (np.arange(256) / 255) ** gamma, 0, 1)
    return table.astype(np.uint8)[blank_wedges(scan)]


def seeded(scan: Grey) -> np.random.Generator:
    """Make a generator that depends on the scan alone."""
    return np.random.default_rng(zlib.crc32(scan.tobytes()))


def grain_of(scan: Grey, down: float, across: float) -> tuple[float, float]:
    """Give a size in pixels of a 496 x 512 scan in those of this one."""
    return down * scan.shape[0] / 496, across * scan.shape[1] / 512


# ---------------------------------------------------------------------------------------------------------- measurement


def built(recipe: str, class_names: tuple[str, ...], own: Path | None) -> octlib.OctClassifier:
    """Build the classifier of a recipe by octlib's defaults."""
    octlibs = ("octlib", own or "pretrained")
    imagenets = ("mobilenetv2_100", os.environ["OCTLIB_WEIGHTS"])
    backbones = {"mobilenet": [imagenets], "both": [octlibs, imagenets]}.get(recipe.split("-")[0], [octlibs])
    names, weights = zip(*backbones, strict=True)
    return octlib.build_classifier(names, weights=weights, freeze=recipe in FROZEN, class_names=class_names)


def imitated(scans: octlib.OctDataset) -> dict[str, octlib.OctDataset]:
    """Make the scans as they are and under each imitation, in the same order."""
    found = {"as they are": scans}
    for name, imitation in IMITATIONS.items():
        images = [imitation(scan.read()) for scan in scans]
        labels = [scan.label for scan in scans]
        found[name] = octlib.load_oct_dataset((images, labels), class_names=scans.class_names)
    return found


def accuracies(
    recipe: str, variants: dict[str, octlib.OctDataset], folds: int, own: Path | None, seed: int
) -> pd.Series:
    """Train a classifier for each fold; return the accuracy on each variant of the test scans of all of them."""
    scans = next(iter(variants.values()))
    place = {name: position for position, name in enumerate(scans.names)}
    right: dict[str, list[np.ndarray]] = {name: [] for name in variants}
    phantoms = octlib.load_oct_dataset("phantoms", class_names=scans.class_names) if recipe == "phantoms" else None
    classifier = None
    for train, test in scans.folds(5, seed=seed)[:folds]:
        if phantoms is None or classifier is None:
            classifier = built(recipe, scans.class_names, own)
            octlib.fit(classifier, phantoms or train, progress=False)
        places = [place[name] for name in test.names]
        for name, variant in variants.items():
            predicted = octlib.predict(classifier, variant.subset(places), progress=False)["predicted"]
            right[name].append(predicted.to_numpy() == [scan.label for scan in test])
        last = {name: round(found[-1].mean(), 3) for name, found in right.items()}
        print(f"{recipe}, one more fold:", last, flush=True)
    return pd.Series({name: np.concatenate(found).mean() for name, found in right.items()}, name=recipe)


def draw_sheet(scans: octlib.OctDataset, path: Path) -> None:
    """Draw two scans of each class: a row for each, as it is and under every imitation."""
    rows = []
    for scan in scans.sample(8):
        images = [scan.read(), *(imitation(scan.read()) for imitation in IMITATIONS.values())]
        rows.append(np.hstack([np.asarray(Image.fromarray(image).resize((240, 200))) for image in images]))
    Image.fromarray(np.vstack(rows)).save(path)


def main() -> None:
    """Print a row for each recipe, a column for each variant of the test scans."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=FROZEN)
    parser.add_argument("--folds", type=int, choices=range(1, 6), default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--own", type=Path)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    if arguments.sheet:
        draw_sheet(scans, arguments.sheet)
        return
    print(scans, f"{arguments.folds} of five folds by patient, seed {arguments.seed}", sep="\n")
    print(", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm")), "\n")
    variants, rows = imitated(scans), []
    for recipe in arguments.recipes:
        rows.append(accuracies(recipe, variants, arguments.folds, arguments.own, arguments.seed))
        print(recipe, rows[-1].round(3).to_dict(), flush=True)
    print("\naccuracy", pd.DataFrame(rows).to_string(float_format="{:.3f}".format), sep="\n")


if __name__ == "__main__":
    main()
