"""Strangers: whether familiarity tells real scans of unseen patients from what is no scan, or none as it should be.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/strangers.py [--choose] [--epochs N]
           [--recipes own mobilenet own-fine-tuned mobilenet-fine-tuned] [--keep FOLDER] [--seed N]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. The patients are divided
into two halves by --seed. Classifiers are fitted on 70 % of the first half (seed 0 always) by octlib's defaults, and
familiarity is learned there; what is printed is of the second half, real scans and strangers made of them. --choose
prints of the other 30 % of the first half instead, and adds kinds of strangers that are not reported (marked ~): there,
with seed 0, the method and the settings of octlib.features.familiarity were chosen. --keep saves fine-tuned classifiers
in a folder and takes those of the same seed from there; --epochs fine-tunes for so many. Photographs are those that
scikit-learn and, if installed, scikit-image bring with them. Frozen recipes take some minutes on a core.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from other_device import IMITATIONS
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from sklearn.datasets import load_sample_images
from sklearn.metrics import roc_auc_score

import octlib

RECIPES = ("own", "mobilenet", "own-fine-tuned", "mobilenet-fine-tuned")
SIZE = (496, 512)  # of pictures that are drawn, in pixels
DRAWN = 40  # of each kind
CHANGED = 60  # scans, of which strangers and imitations are made

Grey = np.ndarray  # uint8 (height, width)


# ------------------------------------------------------------------------------------------------------------ strangers


def photographs() -> list[Grey]:
    """Give the photographs of scikit-learn and scikit-image that are bundled, and four cuttings of each."""
    pictures = [Image.fromarray(image) for image in load_sample_images().images]
    found = importlib.util.find_spec("skimage")
    if found and found.origin:
        files = sorted((Path(found.origin).parent / "data").iterdir())
        pictures += [Image.open(file) for file in files if file.suffix in (".gif", ".jpg", ".png")]
    whole = [np.asarray(picture.convert("L")) for picture in pictures]
    whole = [picture for picture in whole if min(picture.shape) >= 64]
    rng = np.random.default_rng(0)
    return whole + [cutting(picture, rng) for picture in whole for _ in range(4)]


def cutting(picture: Grey, rng: np.random.Generator) -> Grey:
    """Cut two fifths to nine tenths of height and width out."""
    height, width = (int(side * rng.uniform(0.4, 0.9)) for side in picture.shape)
    top, left = (int(rng.integers(0, old - new)) for old, new in zip(picture.shape, (height, width), strict=True))
    return picture[top : top + height, left : left + width]


def uniform(rng: np.random.Generator, _: float) -> np.ndarray:
    """Draw every grey alike."""
    return rng.integers(0, 256, SIZE)


def gaussian(rng: np.random.Generator, _: float) -> np.ndarray:
    """Draw normal noise of any brightness and contrast."""
    return rng.normal(rng.uniform(40, 200), rng.uniform(10, 60), SIZE)


def speckle(rng: np.random.Generator, _: float) -> np.ndarray:
    """Draw the amplitude of a complex Gaussian field, with grains of any size."""
    grain = rng.uniform(0.3, 4)
    intensity = sum(ndimage.gaussian_filter(rng.standard_normal(SIZE), grain) ** 2 for _ in range(2))
    return np.sqrt(intensity / intensity.mean()) * rng.uniform(20, 120)


def constant(_: np.random.Generator, place: float) -> np.ndarray:
    """Fill with one grey."""
    return np.full(SIZE, 255 * place)


def text(rng: np.random.Generator, place: float) -> np.ndarray:
    """Write words, black on white and white on black."""
    ground, ink = (255, 0) if place < 0.5 else (0, 255)
    picture = Image.new("L", SIZE[::-1], ground)
    size = int(rng.integers(10, 36))
    letters, font = list("abcdefghijklmnopqrstuvwxyz0123456789"), ImageFont.load_default(size)
    for top in range(5, SIZE[0], int(size * 1.3)):
        words = ("".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(12))
        ImageDraw.Draw(picture).text((8, top), " ".join(words), fill=ink, font=font)
    return np.asarray(picture)


def tiles(scan: Grey) -> Grey:
    """Cut a scan into sixteen tiles and shuffle them."""
    scan = np.asarray(Image.fromarray(scan).resize((512, 496)))
    parts = scan.reshape(4, 124, 4, 128).swapaxes(1, 2).reshape(16, 124, 128)
    shuffled = parts[np.random.default_rng(int(scan.sum())).permutation(16)]
    return shuffled.reshape(4, 4, 124, 128).swapaxes(1, 2).reshape(496, 512)


def ramp(_: np.random.Generator, place: float) -> np.ndarray:
    """Fill with a ramp of grey, along one side or the other."""
    height, width = np.ogrid[0 : 1 : SIZE[0] * 1j, 0 : 1 : SIZE[1] * 1j]
    return 255 * (height + 0 * width if place < 0.5 else width + 0 * height)


DRAWINGS: dict[str, Callable[[np.random.Generator, float], np.ndarray]] = {
    "uniform": uniform,
    "gaussian": gaussian,
    "speckle": speckle,
    "constant": constant,
    "text": text,
}
CHANGES: dict[str, Callable[[Grey], Grey]] = {
    "inverted": lambda scan: 255 - scan,
    "turned by 90": np.rot90,
    "upside down": lambda scan: scan[::-1],
}
OTHER_DRAWINGS = {"~ramp": ramp}
OTHER_CHANGES: dict[str, Callable[[Grey], Grey]] = {
    "~turned by 45": lambda scan: np.asarray(Image.fromarray(scan).rotate(45)),
    "~tiles": tiles,
    "~black and white": lambda scan: (scan // 128 * 255).astype(np.uint8),
}


def strangers(scans: octlib.OctDataset, *, choose: bool) -> dict[str, list[Grey]]:
    """Make the strangers of each kind; ``choose`` adds those that are not reported."""
    drawings, changes = DRAWINGS | (OTHER_DRAWINGS if choose else {}), CHANGES | (OTHER_CHANGES if choose else {})
    places = np.linspace(0, 1, DRAWN)
    drawn = {
        name: [
            draw(np.random.default_rng(number), place).clip(0, 255).astype(np.uint8)
            for number, place in enumerate(places)
        ]
        for name, draw in drawings.items()
    }
    images = [scan.read() for scan in scans]
    changed = {name: [np.ascontiguousarray(change(image)) for image in images] for name, change in changes.items()}
    return {"photographs": photographs(), **drawn, **changed}


# ---------------------------------------------------------------------------------------------------------- measurement


def fitted(recipe: str, train: octlib.OctDataset, epochs: int | None, kept: Path | None) -> octlib.OctClassifier:
    """Fit a classifier by octlib's defaults, or take it from where it was kept, and let it learn familiarity."""
    fine_tuned = recipe.endswith("-fine-tuned")
    file = kept / recipe if kept and fine_tuned else None
    if file and file.exists():
        classifier = octlib.load_classifier(file)
    else:
        own = recipe.startswith("own")
        classifier = octlib.build_classifier(
            "octlib" if own else "mobilenetv2_100",
            not fine_tuned,
            weights="pretrained" if own else os.environ["OCTLIB_WEIGHTS"],
            class_names=train.class_names,
        )
        octlib.fit(classifier, train, epochs=epochs if fine_tuned else None, progress=False)
        if file:
            classifier.save(file)
    octlib.learn_familiarity(classifier, train, progress=False)
    return classifier


def measure(
    classifier: octlib.OctClassifier,
    test: octlib.OctDataset,
    made: dict[str, list[Grey]],
    imitated: dict[str, list[Grey]],
) -> dict[str, float]:
    """Measure the share of real scans that is kept, AUROC of each kind of stranger, and what is refused."""

    def of(images: list[Grey]) -> np.ndarray:
        return octlib.familiarity(classifier, octlib.load_oct_dataset(images), progress=False)

    real = octlib.familiarity(classifier, test, progress=False)

    def auroc(others: np.ndarray) -> float:
        return float(roc_auc_score(np.repeat([1, 0], [len(real), len(others)]), np.concatenate([real, others])))

    found = {name: of(images) for name, images in made.items()}
    reported = np.concatenate([values for name, values in found.items() if not name.startswith("~")])
    row = {"kept: real scans": float((real >= 0).mean()), "AUROC: all": auroc(reported)}
    row |= {f"AUROC: {name}": auroc(values) for name, values in found.items()}
    row |= {"refused: all": float((reported < 0).mean())}
    row |= {f"refused: {name}": float((values < 0).mean()) for name, values in found.items()}
    return row | {f"refused: device, {name}": float((of(images) < 0).mean()) for name, images in imitated.items()}


def main() -> None:
    """Print a column for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=RECIPES)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    first, second = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"]).split((0.5, 0.5), seed=arguments.seed)
    train, rest = first.split((0.7, 0.3), seed=0)
    test = rest if arguments.choose else second
    changed = test.sample(min(CHANGED, len(test)))
    made = strangers(changed, choose=arguments.choose)
    imitated = {name: [imitation(scan.read()) for scan in changed] for name, imitation in IMITATIONS.items()}
    print(
        f"fitted on {len(train)} scans of {len(set(train.patients))} patients, measured on {len(test)} of "
        f"{len(set(test.patients))}; {', '.join(f'{len(images)} {name}' for name, images in made.items())}\n"
    )
    kept = arguments.keep and arguments.keep / f"seed-{arguments.seed}"
    columns = {}
    for recipe in arguments.recipes:
        classifier = fitted(recipe, train, arguments.epochs, kept)
        columns[recipe] = measure(classifier, test, made, imitated)
        accuracy = octlib.evaluate(classifier, test, progress=False).accuracy
        columns[recipe]["accuracy"] = accuracy
        print(pd.DataFrame(columns).to_string(float_format="{:.3f}".format), "\n", flush=True)


if __name__ == "__main__":
    main()
