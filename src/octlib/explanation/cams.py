"""CAMs: class activation maps by pytorch-grad-cam."""

from __future__ import annotations

from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
import pytorch_grad_cam as grad_cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from octlib._suggest import unknown


@dataclass(frozen=True)
class CamMethod:
    """One of pytorch-grad-cam's methods, as ``Method`` says.

    Args:
        cam: its class.
    """

    cam: Any

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        watched, to_map = self._find_layer(module, scans[:1], layer)
        cam = self.cam(model=module, target_layers=[watched], reshape_transform=to_map)
        # The weights are frozen, so the gradient has to start at the scan: else there is none at the layer.
        cam.compute_input_gradient = True
        try:
            with redirect_stderr(
                StringIO()
            ):  # Two of the methods draw bars of their own, whether or not anybody looks.
                maps = cam(scans, [ClassifierOutputTarget(int(index)) for index in classes])
        finally:
            cam.activations_and_grads.release()
        return np.asarray(np.clip(maps, 0, 1), dtype=np.float32)

    def _find_layer(self, module: torch.nn.Module, scan: torch.Tensor, layer: str | None) -> tuple[Any, Any]:
        """Return the layer, and what makes a map of its activations where it is not the last map."""
        backbone: Any = module.backbone
        if layer is None:
            return backbone.feature_map, None
        named = {name: each for name, each in backbone.module.named_modules() if name}
        if layer not in named:
            raise unknown("layer", layer, named)
        seen: list[torch.Tensor] = []
        hook = named[layer].register_forward_hook(lambda *call: seen.append(call[-1]))
        with torch.inference_mode():
            module(scan)
        hook.remove()
        if len(seen) != 1 or seen[0].ndim not in (3, 4) or len(seen[0]) != 1:
            raise ValueError(
                f"A layer must give a map of the scans, and {layer!r} doesn't. Choose a stage or a block of "
                "the network, or leave layer out for the last map."
            )
        if self.cam is grad_cam.AblationCAM and backbone.to_map(seen[0]) is not seen[0]:
            raise ValueError(
                f"ablationcam needs a layer with its channels first, and {layer!r} has them last. "
                "Leave layer out for the last map, or choose another method."
            )
        return named[layer], backbone.to_map
