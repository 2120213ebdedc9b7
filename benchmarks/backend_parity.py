"""Backend parity: features of timm's architectures on the backend that Keras runs on, against timm's own.

Usage: KERAS_BACKEND=jax OCTLIB_WEIGHTS=TIMM_FOLDER OCTLIB_KERMANY=FOLDER python benchmarks/backend_parity.py

Sixty architectures are drawn by a seed from all of timm up to 30 million parameters. They get random weights of which
none is zero, with the statistics of random scans. Beside them stand resnet50, octlib's own backbone and, where the
variables are set, the ImageNet weights of mobilenetv2_100 on real scans. A difference counts relative to the largest
feature.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import timm
import torch

import octlib
from octlib.models.keras_backend import keras

LARGEST = 30e6  # parameters
ALLOWED = 1e-4


def draw(n: int, seed: int) -> list[str]:
    """Draw architectures."""
    names = sorted(timm.list_models())
    random.Random(seed).shuffle(names)
    drawn: list[str] = []
    for name in names:
        with torch.device("meta"):
            parameters = timm.create_model(name, num_classes=0).parameters()
        if sum(map(torch.Tensor.numel, parameters)) <= LARGEST:
            drawn.append(name)
        if len(drawn) == n:
            break
    return drawn


def stir(classifier: Any, scans: np.ndarray) -> None:
    """Move weights that begin at zero or one, and let BatchNorm see scans.

    Else whole branches would be silent; and without statistics, many a random network is so unsteady that timm's own
    features in single precision are far from those in double precision.
    """
    network = classifier.to_torch().backbone
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for name, parameter in network.module.named_parameters():
            if parameter.ndim <= 1:
                start = 0.0 if name.endswith("bias") else 1.0
                drawn = start + 0.2 * torch.rand(parameter.shape, generator=generator)
                parameter.copy_(0.5 * parameter + 0.5 * drawn)
        for module in network.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        network.train()(torch.from_numpy(scans))
    state = network.module.state_dict()
    classifier.backbone.load_state({name: value.numpy() for name, value in state.items()})


def difference(classifier: Any, scans: np.ndarray) -> float:
    """Return the largest difference of a feature, relative to the largest feature."""
    with torch.inference_mode():
        wanted = classifier.to_torch().backbone(torch.from_numpy(scans)).numpy()
    found = classifier.extract(scans)
    scale = float(np.abs(wanted).max())
    return float(np.abs(found - wanted).max()) / scale if scale > 0 else float("nan")


def rounding(classifier: Any, scans: np.ndarray) -> float:
    """Return the same of timm's own features in single precision, against those in double precision."""
    network = classifier.to_torch().backbone
    with torch.inference_mode():
        single = network(torch.from_numpy(scans)).double()
        double = network.double()(torch.from_numpy(scans))
    return float((single - double).abs().max() / double.abs().max())


def check(name: str, scans: np.ndarray | None = None, **settings: Any) -> bool:
    """Print a line for one backbone; return whether it passes."""
    started = time.perf_counter()
    try:
        classifier = octlib.build_classifier(name, **settings)
        if scans is None:
            scans = np.random.default_rng(0).integers(0, 256, (3, *classifier.image_size), dtype=np.uint8)
        if settings == {"weights": None}:
            stir(classifier, scans)
        found = difference(classifier, scans)
        passed, result = found <= ALLOWED, f"{found:.1e} (timm's own rounding {rounding(classifier, scans):.1e})"
    except Exception as error:  # noqa: BLE001 - each failure is a line of the table, whatever it is
        passed, result = False, f"{type(error).__name__}: {error}".splitlines()[0][:200]
    print(f"{'passes' if passed else 'FAILS '} {name}: {result}, {time.perf_counter() - started:.0f} s", flush=True)
    keras.utils.clear_session()
    return passed


def main() -> None:
    """Print a line for each backbone, and how many pass."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    packages = ("keras", keras.config.backend(), "torch", "timm")
    print(", ".join(f"{name} {getattr(__import__(name), '__version__', None) or version(name)}" for name in packages))
    passed = [check(name, weights=None) for name in draw(arguments.architectures, arguments.seed)]
    print(f"{sum(passed)} of {len(passed)} architectures pass")
    check("resnet50", weights=None)
    check("octlib")
    if "OCTLIB_WEIGHTS" in os.environ and "OCTLIB_KERMANY" in os.environ:
        scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"]).sample(16)
        own = octlib.build_classifier("mobilenetv2_100", weights=os.environ["OCTLIB_WEIGHTS"])
        check("mobilenetv2_100", scans.images(own.preprocessing), weights=os.environ["OCTLIB_WEIGHTS"])


if __name__ == "__main__":
    main()
