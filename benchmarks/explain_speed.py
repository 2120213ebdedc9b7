"""Explain speed: octlib's maps beside the loop that a user of pytorch-grad-cam writes, and whether they agree.

Usage: OMP_NUM_THREADS=1 OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/explain_speed.py
           [--scans 200] [--repeats 3]

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. The head is trained on
the scans, which takes no part in the times. The loop opens one file after another with Pillow (a JPEG at the reduced
scale that octlib takes too), resizes it, and asks a method of timm's model for the predicted class: GradCAM at the last
map, octlib's default, and GradCAMElementWise, at the finer one that octlib takes for it. Within a round one comes right
after the other.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM, GradCAMElementWise
from pytorch_grad_cam.base_cam import BaseCAM

import octlib

METHODS = {"gradcam": (GradCAM, "bn2"), "elementwisecam": (GradCAMElementWise, "blocks.4")}


def plain_model(weights: Path, classifier: octlib.OctClassifier) -> torch.nn.Module:
    """Build timm's model of the folder, with the head that octlib has trained."""
    model = timm.create_model(f"local-dir:{weights}", pretrained=True, num_classes=len(classifier.class_names))
    kernel, bias = (torch.tensor(weight) for weight in classifier.head.get_weights())
    model.get_classifier().load_state_dict({"weight": kernel.T, "bias": bias})
    return model.eval()


def plain_maps(
    method: type[BaseCAM], layer: str, model: torch.nn.Module, paths: Sequence[Path], size: tuple[int, int]
) -> np.ndarray:
    """Explain files one by one: float32 (n, height, width)."""
    mean, std = (torch.tensor(model.pretrained_cfg[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    maps = []
    with method(model=model, target_layers=[model.get_submodule(layer)]) as cam:
        for path in paths:
            with Image.open(path) as image:
                image.draft("L", size[::-1])
                grey = image.convert("L").resize(size[::-1], Image.Resampling.BILINEAR)
            scan = torch.from_numpy(np.array(grey)).float().div(255).expand(1, 3, -1, -1)
            maps.append(cam(input_tensor=(scan - mean) / std, targets=None)[0])
    return np.stack(maps)


def timed(function: Callable[[], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Call a function once, and say how many seconds it took, by the clock and of the processors."""
    started = np.array([time.perf_counter(), time.process_time()])
    result = function()
    return np.array([time.perf_counter(), time.process_time()]) - started, result


def main() -> None:
    """Train a head, and compare both methods."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    weights = Path(os.environ["OCTLIB_WEIGHTS"])
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"]).sample(arguments.scans)
    classifier = octlib.build_classifier("mobilenetv2_100", weights=weights, steps=(), class_names=scans.class_names)
    octlib.fit(classifier, scans, progress=False)
    model, size = plain_model(weights, classifier), classifier.image_size
    print({name: version(name) for name in ("octlib", "grad-cam", "timm", "torch", "pillow")})
    print(f"{len(scans)} scans at {size[0]} x {size[1]} pixels, {torch.get_num_threads()} threads")
    for name, (method, layer) in METHODS.items():
        compare(
            partial(plain_maps, method, layer, model, size=size),
            partial(octlib.explain, classifier, method=name, progress=False),
            scans,
            arguments.repeats,
            f"{name} at {layer}",
        )


def compare(
    plain: Callable[[Sequence[Path]], np.ndarray],
    explain: Callable[[octlib.OctDataset], octlib.Explanation],
    scans: octlib.OctDataset,
    repeats: int,
    title: str,
) -> None:
    """Print the medians of both, their ratio, and the largest difference between maps."""
    explain(scans[:16])  # the first batch is slower
    plain(scans.paths[:16])
    rounds, largest = [], 0.0
    for _ in range(repeats):
        loop, expected = timed(lambda: plain(scans.paths))
        ours, maps = timed(lambda: explain(scans).heatmaps)
        rounds.append((loop, ours, loop / ours))
        largest = max(largest, float(np.abs(maps - expected).max()))
    loop, ours, ratio = np.median(rounds, axis=0)
    for place, name in enumerate(("by the clock", "of the processors, which others' work changes less")):
        print(f"{title}: loop {loop[place]:.2f} s, octlib {ours[place]:.2f} s: {ratio[place]:.2f} times as fast {name}")
    print(f"medians of {repeats}; largest difference of a map {largest:.1e}", flush=True)


if __name__ == "__main__":
    main()
