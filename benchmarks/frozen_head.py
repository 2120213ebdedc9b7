"""Frozen head: how solver, epochs, whitening and the scan's size decide what a frozen classifier reaches.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/frozen_head.py [TABLE ...]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. Tables, by default all:

heads     the solved head beside epochs of AdamW, on folds by patient, few labels, and phantoms with real scans to test
halves    whitening chosen on one half of the patients, reported on the other, and the other way round
settings  one setting changed at a time; what is chosen from it flatters itself

Features are computed once for each backbone and size. Log loss is in nats. Twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

import octlib
from octlib.features import extract_features
from octlib.models.seeding import seeded
from octlib.preprocessing import Preprocessing
from octlib.training import head, solver, whitening
from octlib.training.arguments import as_class_weights
from octlib.training.recipe import Outcome, Recipe

BACKBONES = ("mobilenetv2_100", "octlib")
SEEDS = (0, 1)  # of folds and halves
DRAWS = range(5)  # of few labels
NO_FLOORS = {"QUIETEST": 1e-6, "LEAST_WITHIN": 1e-6}

SCANS = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
PHANTOMS = octlib.load_oct_dataset("phantoms")
PLACE = {name: position for position, name in enumerate(SCANS.names)}

Part = tuple[np.ndarray, np.ndarray]  # features and labels
Way = Callable[[octlib.OctClassifier, octlib.OctDataset, Part], object]  # trains the head of a classifier


@cache
def classifier_of(backbone: str, size: int = 224, blanked: bool = True) -> tuple[octlib.OctClassifier, list]:
    """Build a frozen classifier; return it with its untrained head."""
    weights = "pretrained" if backbone == "octlib" else os.environ["OCTLIB_WEIGHTS"]
    classifier = octlib.build_classifier(backbone, weights=weights, class_names=SCANS.class_names, image_size=size)
    classifier.preprocessing = Preprocessing(size, ("blank_wedges",) if blanked else ())
    return classifier, classifier.head.get_weights()


@cache
def features_of(dataset: octlib.OctDataset, *setting: object) -> np.ndarray:
    """Compute the features of all scans of a dataset."""
    return extract_features(classifier_of(*setting)[0], dataset, cache=False, progress=False)


def places(scans: octlib.OctDataset) -> np.ndarray:
    """Return where scans are among all."""
    return np.array([PLACE[name] for name in scans.names])


def train(classifier: octlib.OctClassifier, part: Part, validation: Part | None = None, **recipe: object) -> Outcome:
    """Train the head by octlib's defaults, but for what is given."""
    weights = as_class_weights("balanced", part[1], classifier.class_names)
    settings = {"class_weight": weights, "exact": True} | recipe
    with seeded(0):
        return head.train_head(classifier, part, validation, Recipe(head.EPOCHS, 32, head.LEARNING_RATE, **settings))


def epochs_before(classifier: octlib.OctClassifier, _: octlib.OctDataset, part: Part) -> object:
    """Train for 20 epochs on features whitened without floors."""
    with mock.patch.multiple(whitening, **NO_FLOORS):
        return train(classifier, part, exact=False)


def epochs(classifier: octlib.OctClassifier, _: octlib.OctDataset, part: Part) -> object:
    """Train for 20 epochs."""
    return train(classifier, part, exact=False)


def solved_without_floors(classifier: octlib.OctClassifier, _: octlib.OctDataset, part: Part) -> object:
    """Solve on features whitened without floors."""
    with mock.patch.multiple(whitening, **NO_FLOORS):
        return train(classifier, part)


def solved(classifier: octlib.OctClassifier, _: octlib.OctDataset, part: Part) -> object:
    """Solve with the default penalty."""
    return train(classifier, part)


def solved_nested(classifier: octlib.OctClassifier, scans: octlib.OctDataset, part: Part) -> object:
    """Solve with the penalty that has the lowest loss on inner folds by patient."""
    where = {name: position for position, name in enumerate(scans.names)}
    losses = np.zeros(len(solver.PATH))
    for inner in scans.folds(5, seed=0):
        fitted, held_out = ([where[name] for name in side.names] for side in inner)
        parts = [(part[0][chosen], part[1][chosen]) for chosen in (fitted, held_out)]
        losses += [step["val_loss"] for step in train(classifier, *parts).epochs]
    with mock.patch.object(solver, "DEFAULT_L2", solver.PATH[losses.argmin()]):
        return train(classifier, part)


WAYS = {
    "20 epochs, no floors": epochs_before,
    "20 epochs": epochs,
    "solved, no floors": solved_without_floors,
    "solved (default)": solved,
    "solved, penalty from inner folds": solved_nested,
}


def logits(way: Way, setting: tuple, scans: octlib.OctDataset, tested: np.ndarray) -> np.ndarray:
    """Train a head on scans, and apply it to features."""
    classifier, untrained = classifier_of(*setting)
    features = features_of(PHANTOMS, *setting) if scans is PHANTOMS else features_of(SCANS, *setting)[places(scans)]
    classifier.head.set_weights(untrained)
    way(classifier, scans, (features, scans.labels))
    kernel, bias = classifier.head.get_weights()
    return tested @ kernel + bias


def left_out(way: Way, setting: tuple, scans: octlib.OctDataset, seed: int) -> np.ndarray:
    """Return logits of every scan by a head that has not seen its patient, in five folds."""
    found = np.empty((len(SCANS), len(SCANS.class_names)))
    for fitted, tested in scans.folds(5, seed=seed):
        where = places(tested)
        found[where] = logits(way, setting, fitted, features_of(SCANS, *setting)[where])
    return found[places(scans)]


def scores(found: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return accuracy and log loss."""
    shifted = found - found.max(1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels]
    return float((found.argmax(1) == labels).mean()), float(losses.mean())


def few(n: int, draw: int) -> tuple[octlib.OctDataset, np.ndarray]:
    """Draw as many scans of each class; return them, and the places of all scans of other patients."""
    rng = np.random.default_rng(draw)
    chosen = [rng.permutation(np.flatnonzero(SCANS.labels == label))[: n // 4] for label in range(4)]
    scans = SCANS.subset(np.concatenate(chosen))
    return scans, np.flatnonzero(~np.isin(SCANS.patients.astype(str), scans.patients.astype(str)))


def runs(way: Way, backbone: str) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Yield what is measured, and the scores of its seeds or draws."""
    real = features_of(SCANS, backbone)
    yield "five folds", [scores(left_out(way, (backbone,), SCANS, seed), SCANS.labels) for seed in SEEDS]
    for n in (8, 40, 100):
        drawn = [few(n, draw) for draw in DRAWS]
        if way is not solved_nested:  # too few patients for folds
            yield (
                f"{n} labels",
                [scores(logits(way, (backbone,), scans, real[w]), SCANS.labels[w]) for scans, w in drawn],
            )
    if way is not solved_nested:
        yield "phantoms, tested on real", [scores(logits(way, (backbone,), PHANTOMS, real), SCANS.labels)]


def heads() -> pd.DataFrame:
    """Hold ways to train a head against one another."""
    rows = []
    for backbone in BACKBONES:
        for name, way in WAYS.items():
            for what, found in runs(way, backbone):
                accuracies, losses = np.array(found).T
                figures = {"accuracy": accuracies.mean(), "lowest": accuracies.min(), "highest": accuracies.max()}
                rows.append({"backbone": backbone, "trained on": what, "head": name} | figures)
                rows[-1]["log loss"] = losses.mean()
    return pd.DataFrame(rows).sort_values(["backbone", "trained on"], kind="stable")


def halves() -> pd.DataFrame:
    """Choose floor and shrinkage on one half of the patients, and report on the other."""
    rows = []
    choices = [(floor, shrinkage) for floor in (1e-6, 0.1, 1.0) for shrinkage in (0.5, 0.8, 1.0)]
    for backbone in BACKBONES:
        for seed in SEEDS:
            parts = SCANS.split((0.5, 0.5), seed=seed)
            results = []
            for floor, shrinkage in choices:
                with mock.patch.multiple(whitening, QUIETEST=floor, SHRINKAGE=shrinkage):
                    results.append([scores(left_out(solved, (backbone,), part, seed), part.labels) for part in parts])
            table = np.array(results)  # choice, half, accuracy and loss
            for half in (0, 1):
                best = table[:, half, 1].argmin()
                row = {"backbone": backbone, "seed": seed, "chosen on half": half}
                row |= dict(zip(("floor", "shrinkage"), choices[best], strict=True))
                for name, choice in (("chosen", best), ("default", choices.index((1.0, 0.8))), ("no floor", 1)):
                    row[f"accuracy, {name}"], row[f"log loss, {name}"] = table[choice, 1 - half]
                rows.append(row)
    return pd.DataFrame(rows)


def settings() -> pd.DataFrame:
    """Change one setting at a time."""
    rows = []
    for size, blanked, shrinkage, floor in [
        (224, True, 0.8, 1.0),
        *((224, True, shrinkage, 1.0) for shrinkage in (0.2, 0.5, 0.9, 1.0)),
        *((224, True, 0.8, floor) for floor in (1e-6, 0.1, 0.3)),
        (224, False, 0.8, 1.0),
        (100, True, 0.8, 1.0),
        (100, False, 0.8, 1.0),
        (160, True, 0.8, 1.0),
        (288, True, 0.8, 1.0),
    ]:
        with mock.patch.multiple(whitening, QUIETEST=floor, SHRINKAGE=shrinkage):
            setting = ("mobilenetv2_100", size, blanked)
            guesses = [left_out(solved, setting, SCANS, seed).argmax(1) for seed in range(4)]
        accuracies = [(guess == SCANS.labels).mean() for guess in guesses]
        f1 = np.mean([f1_score(SCANS.labels, guess, average=None) for guess in guesses], axis=0)
        row = {"size": size, "wedges blanked": blanked, "shrinkage": shrinkage, "floor": floor}
        row |= {"accuracy": np.mean(accuracies), "lowest": min(accuracies), "highest": max(accuracies)}
        rows.append(row | dict(zip(SCANS.class_names, f1, strict=True)))
    return pd.DataFrame(rows)


TABLES = {"heads": heads, "halves": halves, "settings": settings}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], default=[])
    chosen = parser.parse_args().tables or TABLES
    versions = ", ".join(f"{name} {version(name)}" for name in ("octlib", "keras", "torch", "timm", "scipy"))
    print(f"{len(SCANS)} scans, frozen, folds by patient; {versions}")
    print(f"seeds: folds and halves {SEEDS} (settings: 0 to 3), draws of labels {tuple(DRAWS)}, training 0")
    for name in chosen:
        print(f"\n{name}\n{TABLES[name]().to_string(index=False, float_format='{:.3f}'.format)}", flush=True)


if __name__ == "__main__":
    main()
