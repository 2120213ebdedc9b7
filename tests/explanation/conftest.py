"""Small classifiers, a small Swin too, and a way to plant a map in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import timm
import torch

import octlib

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
SWIN = "swin_tiny_patch4_window7_224"
# Where timm's registry looks for what it knows of the architectures of a module.
default_cfgs = timm.models.generate_default_cfgs({"small_swin": timm.get_pretrained_cfg(SWIN).to_dict()})


@timm.models.register_model
def small_swin(pretrained: bool = False, **arguments: Any) -> torch.nn.Module:
    """Build a Swin as small as timm's test networks of other families, of which it has none."""
    small = {"embed_dim": 24, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}
    return timm.create_model(SWIN, pretrained=pretrained, **small | arguments)


@pytest.fixture(scope="session")
def build() -> Callable[..., Any]:
    """Give ``build_classifier`` with random weights."""

    def make(name: str = "test_convnext", size: Any = (64, 96), **kwargs: Any) -> Any:
        return octlib.build_classifier(name, **{"weights": None, "image_size": size, **kwargs})

    return make


@pytest.fixture(scope="session")
def scans() -> np.ndarray:
    """Give three noisy grey scans, uint8 (3, 40, 70)."""
    return np.random.default_rng(0).integers(0, 220, (3, 40, 70), dtype=np.uint8)


class Planted(torch.nn.Module):
    """Gives the same activations whatever it sees; a thread to the input is left, for gradients to run along."""

    def __init__(self, activations: torch.Tensor):
        super().__init__()
        self.register_buffer("activations", activations)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        thread = 0 * seen.flatten(1).mean(1).view(-1, *[1] * (self.activations.ndim - 1))
        return self.activations + thread


@pytest.fixture(scope="session")
def plant(build) -> Callable[..., Any]:
    """Give a function that builds a classifier whose layer says: CNV at the upper right, NORMAL at the lower left.

    The layer's output is in the architecture's own layout: NCHW, NHWC, or tokens behind a prefix of other tokens.
    """

    def make(name: str, size: tuple[int, int], layer: str, grid: tuple[int, int], layout: str) -> Any:
        classifier = build(name, size)
        features = classifier.backbone.n_features
        chart = torch.zeros(1, *grid, features)
        chart[0, 0, -1, 0] = chart[0, -1, 0, 1] = 1
        if layout == "NCHW":
            chart = chart.permute(0, 3, 1, 2)
        elif layout.startswith("tokens"):
            prefix = 5 * torch.ones(1, int(layout.removeprefix("tokens")), features)
            chart = torch.cat([prefix, chart.flatten(1, 2)], dim=1)
        classifier.backbone.module.module.set_submodule(layer, Planted(chart.contiguous()))
        kernel = np.zeros((features, 4), np.float32)
        kernel[0, 0] = kernel[1, 3] = 1
        classifier.head.set_weights([kernel, np.zeros(4, np.float32)])
        return classifier

    return make
