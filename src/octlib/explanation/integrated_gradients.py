"""Integrated gradients: what each pixel adds on the way from an even scan to the scan, by captum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from octlib.explanation.extra import need, refuse_layer
from octlib.explanation.scaling import enlarge

AT_A_TIME = 16  # scans that pass through the network


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients (Sundararajan et al. 2017, section 3), from an even scan of the same brightness.

    Args:
        steps: of the way.
    """

    steps: int = 50

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        refuse_layer("integrated_gradients", layer)
        captum = need("captum", "captum.attr")
        with torch.enable_grad():
            found = captum.IntegratedGradients(module).attribute(
                scans.clone().requires_grad_(),
                baselines=scans.mean((2, 3), keepdim=True).expand_as(scans),
                target=torch.as_tensor(classes, device=scans.device),
                n_steps=self.steps,
                internal_batch_size=max(AT_A_TIME, len(scans)),
            )
        return enlarge(found.detach().squeeze(1).cpu().numpy(), tuple(scans.shape[2:]))
