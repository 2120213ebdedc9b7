"""Layers: found by timm's names, where they give a map, and the one whose map is fine enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from octlib._suggest import unknown

LAST = "last map"  # what the backbone pools; no module's name has a blank
CELL = 16  # pixels on each side of a scan, for which a fine map has a cell


def find_layer(module: torch.nn.Module, scan: torch.Tensor, layer: str | None) -> Any:
    """Find a layer, and try whether it gives a map.

    Args:
        module: a ``TorchClassifier`` with a single backbone.
        scan: float32 (1, 1, height, width) in 0-255, to try the layer.
        layer: timm's name; ``None`` is the last map.

    Returns:
        The module. What it gives is in the architecture's own layout, but for the last map.

    Raises:
        ValueError: if there is no such layer, or it gives no map of a scan.
    """
    if layer is None:
        return module.backbone.feature_map
    found = name_layer(module, layer)
    require_map(_try(module, scan, found), layer, 1)
    return found


def name_layer(module: torch.nn.Module, layer: str) -> Any:
    """Give the layer of a name.

    Args:
        module: a ``TorchClassifier`` with a single backbone.
        layer: timm's name.

    Raises:
        ValueError: if there is no such layer.
    """
    backbone: Any = module.backbone
    named = {name: each for name, each in backbone.module.named_modules() if name}
    if layer not in named:
        raise unknown("layer", layer, [LAST, *named])
    return named[layer]


def require_map(seen: Sequence[Any], layer: str, n: int) -> None:
    """Require that what a layer gave, each time that it was called, is one map of each scan.

    Args:
        seen: what it gave.
        layer: its name.
        n: how many scans there are; what is of windows of scans has more rows.

    Raises:
        ValueError: if it isn't.
    """
    if len(seen) != 1 or not isinstance(seen[0], torch.Tensor) or seen[0].ndim not in (3, 4) or len(seen[0]) != n:
        raise ValueError(
            f"A layer must give a map of the scans, and {layer!r} doesn't. Choose a stage or a block of "
            f"the network, or {LAST!r}."
        )


def find_fine_layer(module: torch.nn.Module) -> str:
    """Find the deepest map that has a cell for every 16 x 16 pixels.

    The last map of most convolutional networks has one for 32 x 32 pixels, a seventh of a small scan's side; that of a
    transformer, and of octlib's own backbone, is as fine as is asked for here.

    Args:
        module: a ``TorchClassifier`` with a single backbone.

    Returns:
        timm's name of the layer; ``"last map"`` where that is as fine, or where timm doesn't say which one is.
    """
    backbone: Any = module.backbone
    stages = getattr(backbone.module, "feature_info", None)
    if not isinstance(stages, list) or not stages or stages[-1]["reduction"] <= CELL:
        return LAST
    names = [stage["module"] for stage in stages if stage["reduction"] <= CELL]
    return names[-1] if names and _is_fine(module, names[-1]) else LAST


def _is_fine(module: torch.nn.Module, layer: str) -> bool:
    """Tell whether there is such a layer, and it gives a map with a cell for about every 16 x 16 pixels."""
    backbone: Any = module.backbone
    scan = torch.zeros(1, 1, *backbone.image_size, device=backbone.mean.device)
    try:
        seen = _try(module, scan, name_layer(module, layer))
        require_map(seen, layer, 1)
        cells = backbone.to_map(seen[0]).shape[2:]  # tokens may lie in no grid
    except ValueError:
        return False
    return all(abs(n - side / CELL) <= 1 for n, side in zip(cells, backbone.inner_size, strict=True))


def _try(module: torch.nn.Module, scan: torch.Tensor, layer: torch.nn.Module) -> list[Any]:
    """Give what a layer makes of a scan, each time that it is called."""
    seen: list[Any] = []
    hook = layer.register_forward_hook(lambda *call: seen.append(call[-1]))
    try:
        with torch.inference_mode():
            module(scan)
    finally:
        hook.remove()
    return seen
