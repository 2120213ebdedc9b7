"""Keras layers: a timm backbone inside a Keras model, without pickle."""

from __future__ import annotations

from typing import Any

import torch

from octlib.models.backbones import random_module
from octlib.models.keras_backend import keras
from octlib.models.spec import BackboneSpec
from octlib.models.stages import parameter_stages
from octlib.models.torch_modules import TimmFeatures


@keras.saving.register_keras_serializable("octlib")
class TimmBackbone(keras.layers.TorchModuleWrapper):
    """A timm backbone as a Keras layer.

    Keras's own wrapper tracks the parameters and saves the BatchNorm buffers with them. What it does in ways that cost
    users dearly is done otherwise here: its configuration pickles the module, and a bare call counts as training.

    Args:
        spec: the backbone's specification, or its dictionary.
        pooling: ``"average"`` or ``"flatten"``.
        module: the timm module with its weights; ``None`` builds one at random, for weights that are loaded later.
        **kwargs: ``name`` and other arguments of a Keras layer.
    """

    def __init__(self, spec: BackboneSpec | dict[str, Any], pooling: str, *, module: Any = None, **kwargs: Any) -> None:
        self.spec = spec if isinstance(spec, BackboneSpec) else BackboneSpec.from_dict(spec)
        self.pooling = pooling
        module = random_module(self.spec) if module is None else module
        super().__init__(TimmFeatures(module, self.spec, pooling), **kwargs)
        self.n_features = self._count_features()

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute features.

        Args:
            scans: uint8 or float in 0-255, (batch, height, width) or (batch, height, width, 1 or 3).
            training: whether dropout and, where it learns, BatchNorm are in training mode.

        Returns:
            float32 (batch, features).
        """
        self.module.frozen = not self.trainable
        if training or self.module.training:  # to set a mode walks over the whole network
            self.module.train(bool(training))
        return self.module(scans.permute(0, 3, 1, 2) if scans.ndim == 4 else scans)

    def unfreeze(self, stages: int | None = None) -> None:
        """Let the last stages learn, and no others.

        Args:
            stages: how many; ``None`` is all of them.

        Raises:
            ValueError: if the architecture has fewer, or ``stages`` is below 1.
        """
        if stages is None:
            self.trainable = True
            return
        names = parameter_stages(self.module.module)
        if isinstance(stages, bool) or stages not in range(1, len(names) + 1):
            raise ValueError(
                f"{self.spec.architecture} has {len(names)} stages, of which 1 or more can be unfrozen, got "
                f"{stages!r}. None unfreezes all."
            )
        self.trainable = True
        learning = {name for stage in names[-stages:] for name in stage}
        name_of = {id(parameter): name for name, parameter in self.module.module.named_parameters()}
        for variable in self._trainable_variables:
            variable.trainable = name_of[id(variable.value)] in learning

    @property
    def unfrozen_stages(self) -> int | None:
        """How many of the last stages learn; ``None`` where all do, or the backbone is frozen."""
        if all(variable.trainable for variable in self._trainable_variables) or not self.trainable:
            return None
        parameters = dict(self.module.module.named_parameters())
        stages = parameter_stages(self.module.module)
        return sum(any(parameters[name].requires_grad for name in stage) for stage in stages)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Return (batch, features) for any input."""
        return (input_shape[0], self.n_features)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs: names and numbers, no weights."""
        return {"name": self.name, "spec": self.spec.to_dict(), "pooling": self.pooling}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TimmBackbone:
        """Build the layer, with random weights, from ``get_config``'s dictionary."""
        return cls(**config)

    def _count_features(self) -> int:
        height, width = self.spec.image_size
        self.module.eval()
        try:
            with torch.inference_mode():
                return int(self.module(torch.zeros(1, height, width, device=self.module.mean.device)).shape[1])
        except (AssertionError, RuntimeError) as error:
            raise ValueError(
                f"{self.spec.architecture} cannot take scans of {height} x {width} pixels: {error} "
                "Choose another image_size; None is the backbone's own."
            ) from error
