"""Explanation methods: which method at which layer makes the best maps, on phantoms and on real scans.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/explanation_methods.py TABLE.csv
           [--backbones own mobilenet] [--methods gradcam ...] [--scans phantoms real] [--folds 5] [--most 8]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. Five folds by patient
(seed 0), classifiers by octlib's defaults, frozen but for mobilenet-fine-tuned: every scan is explained by a
classifier that was not trained on its patient, and maps of right decisions about sick eyes take part, at most so many
of each fold as --most says. Phantoms give pointing game, energy and overlap, real scans insertion, deletion, ROAD and
stability.

TABLE.csv gets the maps of one method, layer, backbone and fold at a time, and what is in it is not computed again: stop
and start as you like. Each half of the patients has its task. On one, the method and layer with the lowest mean rank
over all measures is chosen for each backbone; of equals, the one that points better. On the other, it reports, with
95 % intervals over patients, beside Grad-CAM at the last map. For each method and layer, a phantom takes a tenth of a
second on one core and a real scan three to five; with the defaults that is two hours. --folds takes the first of the
five alone, for a trial.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd

import octlib
from octlib.errors import ConstantMapWarning
from octlib.explanation import METHODS, faithfulness, score_explanations
from octlib.explanation.measures import patient_interval, show

# A pass for each channel, patch or step.
SLOW = {"scorecam", "ablationcam", "sscam", "iscam", "occlusion", "integrated_gradients", "smoothgradcam++"}
BACKBONES = {"own": "octlib", "mobilenet": "mobilenetv2_100", "mobilenet-fine-tuned": "mobilenetv2_100"}
LAST = "last map"
# The second is 14 x 14 at 224 pixels, of fewer channels.
LAYERS = {"octlib": (LAST, "layer3"), "mobilenetv2_100": (LAST, "blocks.4")}
KEY = ["scans", "backbone", "method", "layer", "fold", "most"]
MORE_IS_BETTER = {
    "pointing": True,
    "energy": True,
    "iou": True,
    "insertion": True,
    "deletion": False,
    "road": True,
    "stability": True,
}


def load(scans: str) -> octlib.OctDataset:
    """Load phantoms or real scans."""
    return octlib.load_oct_dataset("phantoms" if scans == "phantoms" else os.environ["OCTLIB_KERMANY"])


def trained(backbone: str, train: octlib.OctDataset) -> octlib.OctClassifier:
    """Train a classifier on a part of the scans."""
    weights = "pretrained" if backbone == "own" else os.environ["OCTLIB_WEIGHTS"]
    classifier = octlib.build_classifier(
        BACKBONES[backbone], not backbone.endswith("fine-tuned"), weights=weights, class_names=train.class_names
    )
    octlib.fit(classifier, train, progress=False)
    return classifier


def choose(classifier: octlib.OctClassifier, test: octlib.OctDataset, most: int) -> octlib.OctDataset:
    """Take scans of sick eyes that are classified correctly."""
    predicted = octlib.predict(classifier, test, progress=False)["predicted"].to_numpy()
    labels = test.column("label")
    sick = test.subset((predicted == labels) & (labels != "NORMAL"))
    return sick.sample(min(most, len(sick)))


def measure(
    classifier: octlib.OctClassifier, sick: octlib.OctDataset, scans: str, method: str, layer: str
) -> pd.DataFrame:
    """Return a row for each map."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantMapWarning)  # such maps count as 0
        maps = octlib.explain(classifier, sick, method=method, layer=None if layer == LAST else layer, progress=False)
    seconds = (time.perf_counter() - start) / len(sick)
    found = score_explanations(maps) if scans == "phantoms" else faithfulness(classifier, maps, progress=False)
    return found.maps.assign(seconds=seconds)


def add(table: Path, rows: pd.DataFrame) -> None:
    """Add rows to the table, all of them or none."""
    whole = pd.concat([read(table), rows], ignore_index=True) if table.exists() else rows
    unfinished = table.with_suffix(".part")
    whole.to_csv(unfinished, index=False)
    unfinished.replace(table)


def read(table: Path) -> pd.DataFrame:
    """Read the table as far as it goes."""
    return pd.read_csv(table, dtype={"patient": str, "name": str}) if table.exists() else pd.DataFrame(columns=KEY)


def fill(table: Path, arguments: argparse.Namespace) -> None:
    """Compute what is missing."""
    for scans in arguments.scans:
        dataset = load(scans)
        folds = dataset.folds(5, seed=0)[: arguments.folds]
        halves = dict.fromkeys(dataset.split((0.5, 0.5), seed=1)[0].patients, "choose")
        for backbone in arguments.backbones:
            for fold, (train, test) in enumerate(folds):
                done = set(read(table)[KEY].itertuples(index=False, name=None))
                pairs = [(method, layer) for method in arguments.methods for layer in LAYERS[BACKBONES[backbone]]]
                key = partial(_key, scans, backbone, fold, arguments.most)
                missing = [pair for pair in pairs if tuple(key(*pair).values()) not in done]
                if not missing:
                    continue
                classifier = trained(backbone, train)
                sick = choose(classifier, test, arguments.most)
                for pair in missing:
                    try:
                        rows = measure(classifier, sick, scans, *pair)
                    except ValueError as error:  # of a method that doesn't suit the layer
                        print(f"{backbone}, {pair}: {error}", flush=True)
                        continue
                    half = rows["patient"].map(halves).fillna("report")
                    add(table, rows.assign(**key(*pair), half=half))
                    print(scans, backbone, f"fold {fold}", *pair, f"{rows['seconds'].mean():.2f} s a map", flush=True)


def _key(scans: str, backbone: str, fold: int, most: int, method: str, layer: str) -> dict[str, object]:
    values = {"scans": scans, "backbone": backbone, "method": method, "layer": layer, "fold": fold, "most": most}
    return {name: values[name] for name in KEY}


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each measure, and the mean rank over them: a row for each method and layer, the best first."""
    known = [name for name in MORE_IS_BETTER if name in rows and rows[name].notna().any()]
    table = rows.groupby(["method", "layer"])[known].mean()
    ranks = pd.DataFrame({name: table[name].rank(ascending=not MORE_IS_BETTER[name]) for name in known})
    ranked = table.assign(rank=ranks.mean(axis=1))
    return ranked.sort_values(["rank", known[0]], ascending=[True, not MORE_IS_BETTER[known[0]]])


def report(rows: pd.DataFrame) -> None:
    """Print for each backbone what one half of the patients chooses, and what that reaches on the other."""
    for backbone, of_backbone in rows.groupby("backbone"):
        table = means(of_backbone[of_backbone["half"] == "choose"])
        print(f"\n{backbone}, the half that chooses:\n{table.to_string(float_format='{:.3f}'.format)}")
        chosen = table.index[0]
        others = of_backbone[of_backbone["half"] == "report"]
        for title, pair in {"chosen": chosen, "Grad-CAM": ("gradcam", LAST)}.items():
            part = others[(others["method"] == pair[0]) & (others["layer"] == pair[1])]
            if len(part):
                print(f"{backbone}, the other half, {title}: {pair[0]} at the {pair[1]}\n{_described(part)}")


def _described(rows: pd.DataFrame) -> str:
    lines = []
    for name in (each for each in MORE_IS_BETTER if each in rows):
        known = rows[rows[name].notna()]
        # The pointing game by class too.
        parts = [("", known), *(known.groupby("class") if name == "pointing" else ())]
        for label, part in parts:
            value = show(part[name].mean(), patient_interval(part[name], part["patient"]))
            chance = f", chance {part[f'{name}_chance'].mean():.3f}" if f"{name}_chance" in part else ""
            lines.append(f"  {f'{name} {label}':<16} {value}{chance} ({len(part)} maps)")
    return "\n".join(lines)


def main() -> None:
    """Fill the table, then print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--backbones", nargs="+", choices=BACKBONES, default=["own", "mobilenet"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[name for name in METHODS if name not in SLOW])
    parser.add_argument("--scans", nargs="+", choices=("phantoms", "real"), default=["phantoms", "real"])
    parser.add_argument("--folds", type=int, choices=range(1, 6), default=5)
    parser.add_argument("--most", type=int, default=8)
    arguments = parser.parse_args()
    print({name: version(name) for name in ("octlib", "keras", "timm", "torch", "grad-cam")})
    fill(arguments.table, arguments)
    rows = read(arguments.table)
    asked = {name: getattr(arguments, f"{name}s") for name in ("backbone", "method")} | {"scans": arguments.scans}
    for name, values in asked.items():
        rows = rows[rows[name].isin(values)]
    report(rows[(rows["most"] == arguments.most) & (rows["fold"] < arguments.folds)])


if __name__ == "__main__":
    main()
