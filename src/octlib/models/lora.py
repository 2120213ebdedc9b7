"""LoRA: small matrices that learn beside the linear layers of a backbone, which itself stays as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from octlib._checks import as_whole
from octlib.errors import MissingPackageError, UnsupportedNetworkError, WeightsError


@dataclass(frozen=True)
class Lora:
    """Which layers have such matrices, and how large these are.

    A layer then gives W x + 2 B A x, where W stays as it is and A has ``rank`` rows, B as many columns. B begins at
    zero, so that nothing changes before training (Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models",
    section 4.1; alpha is twice the rank).

    Attributes:
        rank: of the matrices.
        layers: names in the timm module.

    Raises:
        ValueError: if the rank is no whole number from 1 on.
        WeightsError: if a name is none.
    """

    rank: int
    layers: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check what reaches peft, wherever it is from."""
        as_whole("lora", self.rank)
        if not all(re.fullmatch(r"[A-Za-z0-9_.]+", str(name)) for name in self.layers):
            raise WeightsError(f"lora must name layers of a network, got {list(self.layers)}.")


def lora_for(module: nn.Module, rank: int, image_size: tuple[int, int]) -> Lora:
    """Choose every linear layer that a timm module calls.

    Some, such as those of a BEiT's attention, have weights that are used without calling them; they stay as they are.

    Args:
        module: without a head.
        rank: of the matrices.
        image_size: (height, width) of the scans in pixels.

    Returns:
        What ``adapt`` takes.

    Raises:
        UnsupportedNetworkError: if there is no such layer.
        ValueError: if ``rank`` is out of its range.
    """
    called: list[str] = []
    hooks = [
        layer.register_forward_hook(lambda *_, name=name: called.append(name))
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear)
    ]
    try:
        with torch.inference_mode():
            module.eval()(torch.zeros(1, 3, *image_size))
    finally:
        for hook in hooks:
            hook.remove()
    if not called:
        raise UnsupportedNetworkError(
            f"lora is for the linear layers of transformers, and {type(module).__name__} has none.",
            "Leave lora out and unfreeze some stages, or choose a transformer, such as 'vit_small_patch16_224'.",
        )
    return Lora(rank, tuple(dict.fromkeys(called)))


def adapt(module: nn.Module, lora: Lora, seed: int = 0) -> None:
    """Put the matrices beside their layers, in place; all else can't learn any more.

    Args:
        module: without a head.
        lora: which.
        seed: of A.

    Raises:
        MissingPackageError: if peft isn't installed.
        WeightsError: if the module hasn't got a layer.
    """
    missing = set(lora.layers) - {name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)}
    if missing:
        raise WeightsError(f"lora names layers that {type(module).__name__} hasn't got: {', '.join(sorted(missing))}.")
    peft = _peft()
    config = peft.LoraConfig(r=lora.rank, lora_alpha=2 * lora.rank, target_modules=list(lora.layers))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        peft.inject_adapter_in_model(config, module)


def merge(module: nn.Module) -> None:
    """Add to every layer what its matrices give, in place: timm's own layers are left.

    Args:
        module: that was adapted.
    """
    kind = _peft().tuners.tuners_utils.BaseTunerLayer
    for name, layer in list(module.named_modules()):
        if isinstance(layer, kind):
            layer.merge()
            parent, _, own = name.rpartition(".")
            setattr(module.get_submodule(parent), own, layer.get_base_layer())


def _peft() -> Any:
    try:
        import peft
    except ModuleNotFoundError as error:
        raise MissingPackageError("lora needs peft, not installed here.", "Run: pip install 'octlib[lora]'") from error
    return peft
