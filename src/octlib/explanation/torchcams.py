"""Torchcams: what torchcam has beyond pytorch-grad-cam, methods that run the network on changed scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from octlib.explanation.extra import need
from octlib.explanation.layers import find_layer
from octlib.explanation.scaling import enlarge

NOISE = 0.3  # of SmoothGradCAMpp, as in torchcam: in standard deviations of the pixels that a network has learned from


@dataclass(frozen=True)
class TorchcamMethod:
    """One of torchcam's methods, as ``Method`` says.

    Args:
        cam: the name of its class.
        samples: how many changed scans it looks at; of those that mask scans, for each channel.
    """

    cam: str
    samples: int

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        extractor = getattr(need("torchcam", "torchcam.methods"), self.cam)
        watched = find_layer(module, scans[:1], layer)
        backbone: Any = module.backbone
        noise = {"std": NOISE * float(backbone.std.mean())} if self.cam == "SmoothGradCAMpp" else {}
        found = []
        # One after another, since masks take hundreds of megabytes, and noise must not depend on the rest of a batch.
        for scan, index in zip(scans.split(1), classes, strict=True):
            with (
                torch.random.fork_rng(devices=[]),
                extractor(
                    module,
                    watched,
                    num_samples=self.samples,
                    reshape_transform=None if layer is None else backbone.to_map,
                    **noise,
                ) as cam,
            ):
                torch.manual_seed(0)
                with torch.no_grad():
                    module(scan)  # at which it looks
                with torch.enable_grad():
                    found.append(cam([int(index)], normalized=False)[0].detach().cpu().numpy())
        return enlarge(np.concatenate(found), backbone.image_size)
