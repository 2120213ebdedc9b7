"""Torch backbone: timm's own module inside a Keras model on torch, without pickle."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from octlib.errors import ImageSizeError
from octlib.models.backbone import SingleBackbone
from octlib.models.graph.aten import OPERATORS
from octlib.models.graph.network import Graph
from octlib.models.keras_backend import keras
from octlib.models.lora import merge
from octlib.models.networks import random_module
from octlib.models.spec import BackboneSpec
from octlib.models.stages import parameter_stages, undecayed_parameters
from octlib.models.torch_modules import TimmFeatures
from octlib.models.tracing import trace_features
from octlib.preprocessing import as_size


@keras.saving.register_keras_serializable("octlib")
class TorchBackbone(SingleBackbone, keras.layers.TorchModuleWrapper):
    """A timm backbone as a Keras layer on torch.

    Keras's own wrapper tracks the parameters. What it does in ways that cost users dearly is done otherwise here: its
    configuration pickles the module, and a bare call counts as training.

    Args:
        spec: the backbone's specification, or its dictionary.
        pooling: ``"average"`` or ``"flatten"``.
        image_size: (height, width) of the scans in pixels.
        module: the timm module with its weights; ``None`` builds one at random, for weights that are loaded later.
        **kwargs: ``name`` and other arguments of a Keras layer.
    """

    def __init__(
        self,
        spec: BackboneSpec | dict[str, Any],
        pooling: str,
        image_size: tuple[int, int],
        *,
        module: Any = None,
        **kwargs: Any,
    ) -> None:
        self.spec: BackboneSpec = spec if isinstance(spec, BackboneSpec) else BackboneSpec.from_dict(spec)
        self.pooling, self.image_size = pooling, as_size(image_size)
        module = random_module(self.spec) if module is None else module
        self.stages, self.undecayed = parameter_stages(module), undecayed_parameters(module)
        super().__init__(TimmFeatures(module, self.spec, pooling, self.image_size), **kwargs)
        self._graph: Graph | None = None
        self.n_features = self._count_features()
        self.output_shape = (None, self.n_features)  # the wrapper's own, which a summary shows

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Keras's variable of each parameter that can learn, by timm's name, in timm's order."""
        variable_of = {id(variable.value): variable for variable in self._trainable_variables}
        named = self.module.module.named_parameters()
        return {name: variable_of[id(each)] for name, each in named if id(each) in variable_of}

    @property
    def device(self) -> str:
        """The kind of device that computes."""
        return str(self.module.mean.device.type)

    def state(self) -> dict[str, np.ndarray]:
        """Return every weight and buffer by timm's name; arrays may share their memory with the layer."""
        return {name: value.detach().cpu().numpy() for name, value in self.module.module.state_dict().items()}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what ``state`` returned; RuntimeError, if names or shapes do not fit."""
        self.unchanging = False
        self.module.module.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})

    def to_torch(self) -> TimmFeatures:
        """Return a copy as a module of torch, all of which can learn."""
        features: TimmFeatures = copy.deepcopy(self.module)
        features.frozen = False
        if self.spec.lora is not None:
            merge(features.module)
        features.zero_grad()
        features.requires_grad_(True)
        return features

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute features.

        Args:
            scans: uint8 or float in 0-255, (batch, height, width) or (batch, height, width, 1 or 3).
            training: whether dropout and, where it learns, BatchNorm are in training mode.

        Returns:
            float32 (batch, features).
        """
        self.module.prepare(bool(training), frozen=not self.trainable)
        return self.module(scans.permute(0, 3, 1, 2) if scans.ndim == 4 else scans)

    def graph(self) -> Graph:
        """Say what the backbone computes, from normalised scans to features."""
        if self._graph is None:  # nothing but a cut needs it
            self._graph = trace_features(copy.deepcopy(self.module).eval().cpu())[0]
        return self._graph

    def normalised(self, scans: Any) -> Any:
        """Give scans three channels and the mean and deviation that the network knows: (batch, 3, height, width)."""
        return self.module.normalised(scans.permute(0, 3, 1, 2) if scans.ndim == 4 else scans)

    def carry_out(self, part: Graph, inputs: Sequence[Any]) -> list[Any]:
        """Carry out a part of the graph, as it predicts."""
        module = self.module.module
        weights = dict(module.named_buffers()) | dict(module.named_parameters())
        return part.run(inputs, weights, OPERATORS)

    def _count_features(self) -> int:
        height, width = self.image_size
        self.module.eval()
        try:
            with torch.inference_mode():
                return int(self.module(torch.zeros(1, height, width, device=self.module.mean.device)).shape[1])
        except (AssertionError, RuntimeError) as error:
            raise ImageSizeError(
                f"{self.spec.architecture} cannot take scans of {height} x {width} pixels: {error}",
                "Choose another image_size; None is the backbone's own.",
            ) from error
