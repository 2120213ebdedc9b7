"""Ablation: Ablation-CAM by pytorch-grad-cam, on every layout of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import AblationCAM
from pytorch_grad_cam.ablation_layer import AblationLayer

from octlib.explanation.cams import run_cam
from octlib.explanation.last_map import AfterLastMap, LastMap, look
from octlib.explanation.layers import find_layer


class AblationMethod:
    """Ablation-CAM (Desai and Ramaswamy 2020, section 3): how much the logit drops without a channel."""

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        if layer is None:
            return self.of_last_map(look(module, scans), classes)
        watched, to_map = find_layer(module, scans[:1], layer), module.backbone.to_map
        maps = []
        for place in range(len(scans)):
            scan = scans[place : place + 1]
            with torch.no_grad():
                logits = module(scan)
            cam = AblationCAM(module, [watched], to_map, ablation_layer=_WithoutChannels(to_map))
            maps.append(run_cam(cam, scan, [_Drop(int(classes[place]), logits[0])]))
        return np.concatenate(maps)

    def of_last_map(self, seen: LastMap, classes: np.ndarray) -> np.ndarray:
        """Make a map of each scan: see ``MapMethod``."""
        maps = []
        for place, logits in enumerate(seen.logits):
            one = seen.of_one(place)
            after = AfterLastMap(one)
            cam = AblationCAM(after, [after.feature_map], ablation_layer=_WithoutChannels(lambda native: native))
            cam.get_target_width_height = lambda _: seen.size[::-1]
            maps.append(run_cam(cam, one.maps, [_Drop(int(classes[place]), logits)]))
        return np.concatenate(maps)


class _Drop:
    """A logit, moved so that it is 1 for the scan as it is.

    grad-cam divides by it, which would turn a map upside down where the logit is negative.
    """

    def __init__(self, index: int, logits: torch.Tensor) -> None:
        self._index, self._moved = index, 1 - logits[index]

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        return logits[self._index] + self._moved


class _WithoutChannels(AblationLayer):
    """Gives what a layer gave, in each copy without one of its channels.

    grad-cam's own takes channels out by -1e7 where a map has negative values, adds that up over a batch, and knows maps
    with their channels first alone.

    Args:
        to_map: gives a view of the layer's output with channels first.
    """

    def __init__(self, to_map: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self._to_map = to_map

    def set_next_batch(self, input_batch_index: int, activations: torch.Tensor, num_channels_to_ablate: int) -> None:
        """Take what the layer gave for one scan, as often as there are channels in the batch."""
        one = activations[input_batch_index : input_batch_index + 1]
        self.activations = one.repeat(num_channels_to_ablate, *[1] * (one.ndim - 1))

    def __call__(self, seen: Any) -> torch.Tensor:
        copies = torch.arange(len(self.activations))
        self._to_map(self.activations)[copies, torch.as_tensor(self.indices[: len(copies)]).long()] = 0
        return self.activations
