"""Torch modules: a timm backbone that gives features, and the classifier as plain torch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from octlib.errors import UnsupportedNetworkError
from octlib.models.resampling import resampling_matrix
from octlib.models.spec import BackboneSpec

FEW_CHANNELS = 8  # with 8 and more, a convolution of one pixel is trained correctly with channels last


class TimmFeatures(nn.Module):
    """A timm architecture without its head: grey or RGB scans in, features out.

    Every architecture's last map passes through ``feature_map`` as (batch, channels, height, width), whatever its
    native layout (NHWC in Swin, tokens in a ViT): the one place that a class activation map has to look at.

    Args:
        module: the timm module, built with ``num_classes=0``.
        spec: its specification.
        pooling: ``"average"`` for the spatial mean, ``"flatten"`` for the whole map.
        image_size: (height, width) of the scans in pixels.
    """

    def __init__(self, module: nn.Module, spec: BackboneSpec, pooling: str, image_size: tuple[int, int]) -> None:
        super().__init__()
        if getattr(module, "global_pool", None) == "token":
            # The spatial mean of the patch tokens, so that heads mean the same for every architecture
            # and a class activation map has something to show: the class token gives it an all-zero gradient.
            # A distilled transformer refuses; the mean is then taken here.
            with suppress(AssertionError):
                module.reset_classifier(0, "avg")
        self._layout = _layout_of(module)
        self.module = module.to(memory_format=self._layout)
        takes = inspect.signature(module.forward_head).parameters
        self._pooled_by_timm = getattr(module, "global_pool", None) != "token" and "pre_logits" in takes
        self.feature_map = nn.Identity()
        self.pooling = pooling
        self.image_size = image_size
        self.inner_size = spec.inner_size or image_size
        self.frozen = False
        self._modes: tuple[Any, ...] = ()
        self.fixed_batchnorm = spec.fixed_batchnorm
        # Not persistent: the specification holds them, and the saved weights keep timm's key names alone.
        self.register_buffer("mean", 255 * torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)
        if any(inner > outer for inner, outer in zip(self.inner_size, image_size, strict=True)):
            raise ValueError(
                f"A backbone resizes scans of {image_size} pixels to smaller ones, not to {self.inner_size}."
            )
        if self.inner_size != image_size:
            rows, columns = map(resampling_matrix, image_size, self.inner_size)
            self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
            self.register_buffer("columns", torch.from_numpy(columns.T.copy()), persistent=False)

    def prepare(self, training: bool, frozen: bool) -> None:
        """Bring every part into the mode that a call needs; one call after another finds it there.

        Args:
            training: whether dropout and, where it learns, BatchNorm are to be in training mode.
            frozen: whether nothing here learns.
        """
        learning = [parameter.requires_grad for parameter in self.parameters()] if training and not frozen else None
        # What there is may have been changed by hand, by module.train(), or by grad-cam.
        if self._modes != (frozen, learning, self._current_modes()):
            self.frozen = frozen
            self.train(training)
            self._modes = (frozen, learning, self._current_modes())

    def _current_modes(self) -> list[bool]:
        return [part.training for part in self.modules()]

    def train(self, mode: bool = True) -> TimmFeatures:
        """Switch to training mode, except for what is frozen: that stays in evaluation mode."""
        super().train(mode and not self.frozen)
        if self.training:
            for module in self.module.modules():
                fixed = self.fixed_batchnorm and isinstance(module, nn.modules.batchnorm._NormBase)
                if fixed or _is_frozen(module):
                    module.eval()
        return self

    def forward(self, scans: torch.Tensor) -> torch.Tensor:
        """Compute features.

        Args:
            scans: uint8 or float in 0-255, (batch, height, width) or (batch, 1 or 3, height, width).

        Returns:
            float32 (batch, features).
        """
        return self.features_of(self.normalised(scans))

    def features_of(self, normalised: torch.Tensor) -> torch.Tensor:
        """Compute features of scans that are normalised, (batch, 3, height, width)."""
        outputs = self.outputs_of(normalised)
        return self.pool(self.feature_map(self.to_map(outputs[-1])), outputs)

    def outputs_of(self, normalised: torch.Tensor) -> list[torch.Tensor]:
        """Compute what the architecture gives before it pools, in its own layout.

        Args:
            normalised: (batch, 3, height, width).

        Returns:
            One tensor; several of architectures with branches, of which the last one's map is the deepest or the
            largest. ``to_map`` makes a map of it.
        """
        if self.inner_size != self.image_size:
            normalised = self.rows @ normalised @ self.columns
        found = self.module.forward_features(normalised)
        return list(found) if isinstance(found, list | tuple) else [found]

    def pool(self, feature_map: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Compute features of the last map.

        Args:
            feature_map: (batch, channels, height, width), in the place of the last output.
            outputs: what ``outputs_of`` gave, for all that a map leaves out: other tokens, other branches.

        Returns:
            float32 (batch, features).
        """
        if self.pooling == "flatten":
            return feature_map.flatten(1)
        if not self._pooled_by_timm:
            return feature_map.mean((2, 3))
        *others, native = outputs
        changed = self._to_native(feature_map, native)
        try:
            pooled: torch.Tensor = self.module.forward_head([*others, changed] if others else changed, pre_logits=True)
        except NotImplementedError:  # by an encoder that timm has no classifier for
            return feature_map.mean((2, 3))
        return pooled

    def normalised(self, scans: torch.Tensor) -> torch.Tensor:
        """Give scans three channels and the mean and deviation that the network knows; arguments as in ``forward``."""
        scans = scans.unsqueeze(1) if scans.ndim == 3 else scans
        if not torch.jit.is_tracing():  # While tracing for ONNX, shapes are no plain numbers.
            self._check(tuple(scans.shape))
        # Grey scans become three channels here: (n, 1, h, w) is broadcast against the (1, 3, 1, 1) mean.
        normalised = (scans.to(self.mean.dtype) - self.mean) / self.std
        return normalised.contiguous(memory_format=self._layout)

    def _check(self, shape: tuple[int, ...]) -> None:
        height, width = self.image_size
        if len(shape) != 4 or shape[1] not in (1, 3) or shape[2:] != (height, width):
            raise ValueError(
                f"The classifier takes a batch of grey or RGB scans of {height} x {width} pixels (height x width), "
                f"got an array of shape {shape}. classifier.preprocess(scans) makes them fit."
            )

    def to_map(self, native: torch.Tensor) -> torch.Tensor:
        """Turn activations in the architecture's own layout into a map.

        Args:
            native: (batch, channels, height, width), (batch, height, width, channels), (batch, tokens, channels) or
                (batch, channels, tokens).

        Returns:
            (batch, channels, height, width).
        """
        if native.ndim == 3:
            tokens = native.transpose(1, 2) if self._tokens_come_last(native) else native
            patches, grid = self._patches(tokens), self._grid(tokens)
            if patches.shape[1] != grid[0] * grid[1]:
                raise UnsupportedNetworkError(
                    f"{type(self.module).__name__} gives {patches.shape[1]} patches for a grid of {grid[0]} x "
                    f"{grid[1]}: no map of the scan, which pooling and heatmaps need.",
                    "Choose another backbone.",
                )
            return patches.transpose(1, 2).unflatten(2, grid)
        return native.permute(0, 3, 1, 2) if self._channels_come_last() else native

    def _to_native(self, feature_map: torch.Tensor, native: torch.Tensor) -> torch.Tensor:
        if native.ndim == 3 and self._tokens_come_last(native):
            return feature_map.flatten(2)
        if native.ndim == 3:
            prefix = native[:, : native.shape[1] - self._patches(native).shape[1]]
            return torch.cat([prefix, feature_map.flatten(2).transpose(1, 2)], dim=1)
        return feature_map.permute(0, 2, 3, 1) if self._channels_come_last() else feature_map

    def _patches(self, tokens: torch.Tensor) -> torch.Tensor:
        """Leave out class and register tokens, which come first."""
        return tokens[:, self._others() :]

    def _others(self) -> int:
        """Count class and register tokens."""
        told = getattr(self.module, "num_prefix_tokens", None)
        has_class_token = any(name.startswith("cls_token") for name, _ in self.module.named_parameters(recurse=False))
        return int(has_class_token) if told is None else int(told)

    def _grid(self, tokens: torch.Tensor) -> tuple[int, int]:
        embedding: Any = getattr(self.module, "patch_embed", None)
        if hasattr(embedding, "grid_size"):
            rows, columns = embedding.grid_size
            return rows, columns
        return patch_grid(tokens.shape[1] - self._others(), self.inner_size)

    def _tokens_come_last(self, tokens: torch.Tensor) -> bool:
        stages: Any = getattr(self.module, "feature_info", None)
        channels = stages[-1]["num_chs"] if isinstance(stages, list) and stages else tokens.shape[2]
        return bool(tokens.shape[1] == channels != tokens.shape[2])

    def _channels_come_last(self) -> bool:
        return getattr(self.module, "output_fmt", "NCHW") == "NHWC"


class JoinedFeatures(nn.Module):
    """Several backbones that see the same scans, their features side by side.

    Args:
        members: the backbones by name.
        lengths: how many features each has.
    """

    def __init__(self, members: Mapping[str, TimmFeatures], lengths: Sequence[int]) -> None:
        super().__init__()
        self.members = nn.ModuleDict(members)
        self.lengths = tuple(lengths)
        self.image_size = next(iter(members.values())).image_size

    @property
    def mean(self) -> torch.Tensor:
        """A tensor that lies where the modules do."""
        mean: torch.Tensor = next(self.buffers())
        return mean

    def forward(self, scans: torch.Tensor) -> torch.Tensor:
        """Compute features; scans as in ``TimmFeatures.forward``.

        Returns:
            float32 (batch, features).
        """
        return torch.cat([member(scans) for member in self.members.values()], dim=1)


def patch_grid(n_patches: int, image_size: tuple[int, int]) -> tuple[int, int]:
    """Find the grid that square patches lie in, where an architecture doesn't tell.

    Args:
        n_patches: how many there are.
        image_size: (height, width) of the scans in pixels.

    Returns:
        How many lie below and beside each other; a patch that the edge cuts counts or doesn't.

    Raises:
        ValueError: if there is no such grid, or several.

    Example:
        >>> patch_grid(49, (224, 224)), patch_grid(24, (64, 96)), patch_grid(15, (160, 320))
        ((7, 7), (4, 6), (3, 5))
    """
    height, width = image_size
    sides = range(1, max(image_size) + 1)
    grids = {(height // side, width // side) for side in sides}
    grids |= {(-(-height // side), -(-width // side)) for side in sides}
    fitting = [(rows, columns) for rows, columns in grids if rows * columns == n_patches]
    if len(fitting) != 1:
        raise ValueError(
            f"{n_patches} patches of scans of {height} x {width} pixels lie in no grid that can be told from others. "
            "Choose another image_size, such as a square one."
        )
    return fitting[0]


class NormalisedFeatures(nn.Module):
    """A backbone from the point on where scans have three channels, and the mean and deviation that it knows.

    Args:
        features: the backbone; what gives the features.
    """

    def __init__(self, features: TimmFeatures) -> None:
        super().__init__()
        self.features = features

    def forward(self, normalised: torch.Tensor) -> torch.Tensor:
        """Compute features: float32 (batch, features)."""
        return self.features.features_of(normalised)


def _layout_of(module: nn.Module) -> torch.memory_format:
    """Choose how the maps of a network lie in memory.

    Convolutions are about twice as fast on a CPU with channels last. Those over three dimensions have no such layout;
    and where a convolution of a single pixel skips pixels of few channels, as one of RepVGG, MobileOne and FastViT does
    on the scan itself, torch (2.14 and 2.15, oneDNN) writes past its memory when it trains, and the process dies.
    """
    convolutions = [part for part in module.modules() if isinstance(part, nn.modules.conv._ConvNd)]
    unfit = any(
        len(part.kernel_size) == 3
        or (max(part.kernel_size) == 1 < max(part.stride) and part.in_channels < FEW_CHANNELS and part.groups == 1)
        for part in convolutions
    )
    return torch.contiguous_format if unfit else torch.channels_last


def _is_frozen(module: nn.Module) -> bool:
    """Tell whether a part has parameters, and none of them learns."""
    parameters = list(module.parameters())
    return bool(parameters) and not any(parameter.requires_grad for parameter in parameters)


class TorchClassifier(nn.Module):
    """The classifier as plain torch: what pytorch-grad-cam works on, and what a torch user takes away.

    Args:
        backbone: gives the features.
        weight: (classes, features), of the head.
        bias: (classes,), of the head.
    """

    def __init__(self, backbone: TimmFeatures | JoinedFeatures, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(weight.shape[1], weight.shape[0])
        self.head.load_state_dict({"weight": weight, "bias": bias})

    def forward(self, scans: torch.Tensor) -> torch.Tensor:
        """Compute logits.

        Args:
            scans: uint8 or float in 0-255, (batch, height, width) or (batch, 1 or 3, height, width).

        Returns:
            float32 (batch, classes); a softmax makes probabilities of them.
        """
        return self.head(self.backbone(scans))

    def parts(self) -> dict[str, TorchClassifier]:
        """Return what each of several backbones adds to the logits, by its name; nobody's is the head's bias.

        Returns:
            Classifiers that share the backbones; none for a single backbone.
        """
        if not isinstance(self.backbone, JoinedFeatures):
            return {}
        weights = self.head.weight.split(self.backbone.lengths, dim=1)
        nothing = torch.zeros_like(self.head.bias)
        named = zip(self.backbone.members.items(), weights, strict=True)
        return {
            name: TorchClassifier(member, weight, nothing).to(nothing.device).eval() for (name, member), weight in named
        }
