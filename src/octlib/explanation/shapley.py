"""Shapley: ShapleyCAM by pytorch-grad-cam, which takes the second derivative too."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import ShapleyCAM
from torch.nn.attention import SDPBackend, sdpa_kernel

from octlib.explanation.cams import run_cam
from octlib.explanation.last_map import AfterLastMap, LastMap, look
from octlib.explanation.layers import find_layer


class ShapleyMethod:
    """ShapleyCAM (Cai 2025, "CAMs as Shapley Value-based Explainers"), as ``MapMethod`` says."""

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        if layer is None:
            return self.of_last_map(look(module, scans), classes)
        cam = _ShapleyCAM(module, [find_layer(module, scans[:1], layer)], module.backbone.to_map)
        with sdpa_kernel(SDPBackend.MATH):  # of which torch knows a second derivative
            return run_cam(cam, scans, _targets(classes))

    def of_last_map(self, seen: LastMap, classes: np.ndarray) -> np.ndarray:
        """Make a map of each scan: see ``MapMethod``."""
        after = AfterLastMap(seen)
        cam = ShapleyCAM(after, [after.feature_map])
        cam.get_target_width_height = lambda _: seen.size[::-1]
        return run_cam(cam, seen.maps, _targets(classes))


class _ShapleyCAM(ShapleyCAM):
    """grad-cam's own takes the weights of a map, and then the activations in the architecture's own layout."""

    def get_cam_image(
        self,
        input_tensor: torch.Tensor,
        target_layer: torch.nn.Module,
        targets: list[Any],
        activations: torch.Tensor,
        grads: torch.Tensor,
        eigen_smooth: bool = False,
    ) -> np.ndarray:
        """Weigh the channels: float32 (n, rows, columns)."""
        weights = self.get_cam_weights(input_tensor, target_layer, targets, activations, grads)
        maps = self.activations_and_grads.reshape_transform(activations).detach().cpu().numpy()
        return np.asarray((weights[:, :, None, None] * maps).sum(axis=1))


def _targets(classes: np.ndarray) -> list[Any]:
    """Make the logits of classes depend on a number that can learn.

    Weights are frozen here. Where logits are linear in the map, its gradient would else depend on nothing, and torch
    refuses to derive it once more.
    """
    one = torch.ones((), requires_grad=True)
    return [lambda logits, index=int(index): logits[index] * one.to(logits.device) for index in classes]
