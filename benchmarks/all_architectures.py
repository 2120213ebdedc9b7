"""All architectures: whether each of timm's builds, gives a map, trains, is saved, loaded and explained.

Usage: python benchmarks/all_architectures.py table.csv [--pattern 'vit_*'] [--train-up-to 10e6] [--real-up-to 50e6]

Goes on where table.csv ends. Up to --real-up-to parameters a network is built with random weights, above that on
torch's meta device, which knows shapes alone; each gets two scans of its own size, and has to give one map for either.
Up to --train-up-to it also trains one step, is saved and loaded with the same features, and is explained: the map of
some class must show something, with one of three seeds. Two cores take some hours for all; a first look, with
--real-up-to 0 --train-up-to 0, half an hour.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch

import octlib
from octlib.models.configs import named_config, specify
from octlib.models.networks import random_module
from octlib.models.torch_modules import TimmFeatures

COLUMNS = ("architecture", "parameters", "image_size", "map", "checked", "fault", "seconds")
SEEDS = 3
SCANS = octlib.load_oct_dataset("phantoms").sample(4)


def map_of(size: tuple[int, int], spec: Any) -> tuple[int, ...]:
    """Pass two scans through a network, and return the shape of one map."""
    seen: list[tuple[int, ...]] = []
    features = TimmFeatures(random_module(spec), spec, "average", size).eval()
    features.feature_map.register_forward_hook(lambda *call: seen.append(tuple(call[-1].shape)))
    with torch.inference_mode():
        result = features(torch.zeros(2, *size))
    if result.ndim != 2 or len(seen) != 1 or len(seen[0]) != 4 or seen[0][0] != 2:
        raise ValueError(f"features {tuple(result.shape)}, maps {seen}")
    return seen[0][1:]


def use(name: str) -> None:
    """Train a classifier for one step, save, load and explain it."""
    classifier = trained(name, seed=0)
    images = SCANS.images(classifier.preprocessing)
    with tempfile.TemporaryDirectory() as folder:
        classifier.save(f"{folder}/classifier")
        loaded = octlib.load_classifier(f"{folder}/classifier")
    before, after = classifier.extract(images), loaded.extract(images)
    if not np.allclose(before, after, rtol=1e-4, atol=1e-5 * np.abs(before).max()):
        raise ValueError(f"loaded, its features are {np.abs(before - after).max():.1e} apart")
    # Of a network at random, the weighted sum of the last map may be negative everywhere, for every class.
    if not any(shows_something(trained(name, seed) if seed else classifier) for seed in range(SEEDS)):
        raise ValueError(f"no class has a map that shows anything, with {SEEDS} seeds")


def trained(name: str, seed: int) -> octlib.OctClassifier:
    """Build a classifier at random and train it for one step."""
    classifier = octlib.build_classifier(name, freeze=False, weights=None, seed=seed)
    octlib.fit(classifier, SCANS, epochs=1, batch_size=4, augment=False, progress=False)
    return classifier


def shows_something(classifier: octlib.OctClassifier) -> bool:
    """Say whether the map of some class isn't constant."""
    return any(
        octlib.explain(classifier, SCANS, target=target, progress=False).has_signal.any()
        for target in classifier.class_names
    )


def check(name: str, real_up_to: float, train_up_to: float) -> dict[str, Any]:
    """Check one architecture."""
    started, row = time.perf_counter(), dict.fromkeys(COLUMNS, "")
    row |= {"architecture": name, "checked": "map"}
    try:
        with torch.device("meta"):
            spec, size = specify(named_config(name), None, origin="random", fixed_batchnorm=False)
            parameters = sum(map(torch.Tensor.numel, random_module(spec).parameters()))
        row |= {"parameters": parameters, "image_size": "x".join(map(str, size))}
        with torch.device("cpu" if parameters <= real_up_to else "meta"):
            row["map"] = "x".join(map(str, map_of(size, spec)))
        if parameters <= train_up_to:
            row["checked"] = "all"
            use(name)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it is a row of the table
        row["fault"] = f"{type(error).__name__}: {error}".replace("\n", " ")[:300]
    return row | {"seconds": f"{time.perf_counter() - started:.1f}"}


def main() -> None:
    """Fill the table, and say how many have a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--real-up-to", type=float, default=50e6)
    parser.add_argument("--train-up-to", type=float, default=10e6)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    done: list[dict[str, str]] = []
    if arguments.table.exists():
        with arguments.table.open(encoding="utf-8", newline="") as file:
            done = list(csv.DictReader(file))
    known = {row["architecture"] for row in done}
    with arguments.table.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not known:
            writer.writeheader()
        for name in timm.list_models(arguments.pattern):
            if name not in known:
                done.append(check(name, arguments.real_up_to, arguments.train_up_to))
                writer.writerow(done[-1])
                file.flush()
    faults = [row for row in done if row["fault"]]
    print(f"{len(done)} architectures of timm {timm.__version__}, {len(faults)} with a fault")
    for row in faults:
        print(f"{row['architecture']:40} {row['fault']}")


if __name__ == "__main__":
    main()
