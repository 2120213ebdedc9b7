"""Layers: found by timm's names, where they give a map."""

from __future__ import annotations

from typing import Any

import torch

from octlib._suggest import unknown


def find_layer(module: torch.nn.Module, scan: torch.Tensor, layer: str | None) -> Any:
    """Find a layer.

    Args:
        module: a ``TorchClassifier`` with a single backbone.
        scan: float32 (1, 1, height, width) in 0-255, to try the layer.
        layer: timm's name; ``None`` is the last map.

    Returns:
        The module. What it gives is in the architecture's own layout, but for the last map.

    Raises:
        ValueError: if there is no such layer, or it gives no map of a scan.
    """
    backbone: Any = module.backbone
    if layer is None:
        return backbone.feature_map
    named = {name: each for name, each in backbone.module.named_modules() if name}
    if layer not in named:
        raise unknown("layer", layer, named)
    seen: list[torch.Tensor] = []
    hook = named[layer].register_forward_hook(lambda *call: seen.append(call[-1]))
    try:
        with torch.inference_mode():
            module(scan)
    finally:
        hook.remove()
    if len(seen) != 1 or not isinstance(seen[0], torch.Tensor) or seen[0].ndim not in (3, 4) or len(seen[0]) != 1:
        raise ValueError(
            f"A layer must give a map of the scans, and {layer!r} doesn't. Choose a stage or a block of "
            "the network, or leave layer out for the last map."
        )
    return named[layer]
