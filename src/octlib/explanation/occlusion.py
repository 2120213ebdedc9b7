"""Occlusion: how much less a classifier says for a class where a patch of the scan is covered, by captum."""

from __future__ import annotations

import numpy as np
import torch

from octlib.explanation.extra import need, refuse_layer
from octlib.explanation.scaling import enlarge

PATCHES = 8  # that lie beside each other, and below each other; as many again lie between them
AT_A_TIME = 4  # patches of every scan


class Occlusion:
    """Occlusion (Zeiler and Fergus 2014, section 4.2) by patches of the scan's mean brightness.

    Black would be no absence of evidence: in OCT, fluid is dark.
    """

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        refuse_layer("occlusion", layer)
        captum = need("captum", "captum.attr")
        size = tuple(scans.shape[2:])
        patch = [-(-length // PATCHES) for length in size]
        with torch.no_grad():
            found = captum.Occlusion(module).attribute(
                scans,
                sliding_window_shapes=(1, *patch),
                strides=(1, *[-(-length // 2) for length in patch]),
                baselines=scans.mean((2, 3), keepdim=True).expand_as(scans),
                target=torch.as_tensor(classes, device=scans.device),
                perturbations_per_eval=AT_A_TIME,
            )
        return enlarge(found.squeeze(1).cpu().numpy(), size)
