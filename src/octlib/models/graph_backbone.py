"""Graph backbone: timm's network carried out by JAX or TensorFlow, on Keras's variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from octlib.errors import ImageSizeError, UnsupportedNetworkError
from octlib.models.backbone import SingleBackbone
from octlib.models.devices import device_kind
from octlib.models.graph.network import Graph
from octlib.models.graph.operators import OPERATORS
from octlib.models.graph.operators.normalisation import BATCH_NORM, batch_norm, moments
from octlib.models.keras_backend import keras
from octlib.models.lora import merge
from octlib.models.networks import random_module
from octlib.models.spec import BackboneSpec
from octlib.models.stages import parameter_stages, undecayed_parameters
from octlib.models.torch_modules import TimmFeatures
from octlib.models.tracing import trace_architecture
from octlib.preprocessing import as_size

ops = keras.ops

# BatchNorm's count of steps, which no prediction needs: torch loads states without it, and so does this.
UNNEEDED = "num_batches_tracked"


@keras.saving.register_keras_serializable("octlib")
class GraphBackbone(SingleBackbone, keras.layers.Layer):
    """A timm backbone as a Keras layer on any backend.

    The network is what ``torch.export`` says of timm's module, traced when the first layer of its kind is built. It is
    traced as it predicts: dropout and stochastic depth inside a backbone, which timm leaves out by default, are not
    carried out.

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
        super().__init__(**kwargs)
        self.spec: BackboneSpec = spec if isinstance(spec, BackboneSpec) else BackboneSpec.from_dict(spec)
        self.pooling, self.image_size = pooling, as_size(image_size)
        module = random_module(self.spec) if module is None else module
        self.stages, self.undecayed = parameter_stages(module), undecayed_parameters(module)
        self._graph, self.n_features = self._traced(module)
        learning = {name: value for name, value in module.named_parameters() if value.requires_grad}
        self._parameters = {name: self._variable(name, value) for name, value in learning.items()}
        # BatchNorm's statistics, and parameters that timm holds still. Whole numbers, such as its counter of steps,
        # play no part and stay as they are.
        buffers = {name: value for name, value in module.state_dict().items() if name not in self._parameters}
        self._statistics = {
            name: self._variable(name, value, trainable=False)
            for name, value in buffers.items()
            if value.is_floating_point()
        }
        self._fixed = {name: value.numpy() for name, value in buffers.items() if name not in self._statistics}
        mean, std = (255 * np.asarray(each, np.float32) for each in (self.spec.mean, self.spec.std))
        self._mean, self._std = mean, std
        self.built = True

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Keras's variable of each parameter that can learn, by timm's name, in timm's order."""
        return dict(self._parameters)

    @property
    def device(self) -> str:
        """The kind of device that computes."""
        return device_kind()

    def state(self) -> dict[str, np.ndarray]:
        """Return every weight and buffer by timm's name."""
        variables = {**self._parameters, **self._statistics}
        arrays = {name: ops.convert_to_numpy(variable) for name, variable in variables.items()} | dict(self._fixed)
        return {name: arrays[name] for name in self._names}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what ``state`` returned; RuntimeError, if names or shapes do not fit."""
        self.unchanging = False
        now = self.state()
        state = {**{name: now[name] for name in now if name.endswith(UNNEEDED)}, **state}
        wrong = [name for name in now if name not in state or np.shape(state[name]) != np.shape(now[name])]
        wrong += [name for name in state if name not in now]
        if wrong:
            raise RuntimeError(f"weights that are missing, not of this backbone, or of another shape: {wrong}")
        for name, variable in {**self._parameters, **self._statistics}.items():
            variable.assign(state[name])
        self._fixed = {name: np.asarray(state[name]) for name in self._fixed}

    def to_torch(self) -> TimmFeatures:
        """Return a copy as a module of torch, all of which can learn."""
        module = random_module(self.spec)
        features = TimmFeatures(module, self.spec, self.pooling, self.image_size)
        module.load_state_dict({name: torch.tensor(value) for name, value in self.state().items()})
        if self.spec.lora is not None:
            merge(module)
            module.requires_grad_(True)
        return features

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute features.

        Args:
            scans: uint8 or float in 0-255, (batch, height, width) or (batch, height, width, 1 or 3).
            training: whether BatchNorm is in training mode, where it learns.

        Returns:
            float32 (batch, features).
        """
        learns = training and self.trainable and not self.spec.fixed_batchnorm
        operators = {**OPERATORS, BATCH_NORM: _learning_batch_norm} if learns else OPERATORS
        return self._graph.run([self.normalised(scans)], self._weights, operators)[0]

    def graph(self) -> Graph:
        """Say what the backbone computes, from normalised scans to features."""
        return self._graph

    def normalised(self, scans: Any) -> Any:
        """Give scans three channels and the mean and deviation that the network knows: (batch, 3, height, width)."""
        self._check_shape(tuple(scans.shape))
        scans = scans if len(scans.shape) == 4 else ops.expand_dims(scans, -1)
        # Grey scans become three channels here.
        normalised = ops.divide(ops.subtract(ops.cast(scans, "float32"), self._mean), self._std)
        return ops.transpose(normalised, (0, 3, 1, 2))

    def carry_out(self, part: Graph, inputs: Sequence[Any]) -> list[Any]:
        """Carry out a part of the graph, as it predicts."""
        return part.run(inputs, self._weights, OPERATORS)

    @property
    def _weights(self) -> dict[str, Any]:
        return {**self._fixed, **self._statistics, **self._parameters}

    def _variable(self, name: str, value: torch.Tensor, *, trainable: bool = True) -> Any:
        array = value.detach().cpu().numpy()
        return self.add_weight(
            array.shape,
            initializer=lambda _, dtype=None: ops.convert_to_tensor(array, dtype),
            name=name,
            trainable=trainable,
        )

    def _traced(self, module: Any) -> tuple[Graph, int]:
        self._names = tuple(module.state_dict())
        features = TimmFeatures(module, self.spec, self.pooling, self.image_size).eval()
        height, width = self.image_size
        try:
            graph, n_features = trace_architecture(self.spec, features)
        except (AssertionError, RuntimeError) as error:
            raise ImageSizeError(
                f"{self.spec.architecture} cannot take scans of {height} x {width} pixels: {error}",
                "Choose another image_size; None is the backbone's own.",
            ) from error
        missing = sorted(graph.operators - set(OPERATORS))
        if missing:
            raise UnsupportedNetworkError(
                f"{self.spec.architecture} needs {', '.join(missing)}, which octlib can't carry over to "
                f"{keras.config.backend()}.",
                "Set KERAS_BACKEND=torch, which runs every architecture, or choose another backbone.",
            )
        return graph, n_features


def _learning_batch_norm(
    values: Any, weight: Any, bias: Any, mean: Any, variance: Any, momentum: float, epsilon: float
) -> Any:
    """Normalise by the batch's statistics, and let those of the past follow; a frozen part stays as it is."""
    if weight is not None and not weight.trainable:
        return batch_norm(values, weight, bias, mean, variance, momentum, epsilon)
    batch_mean, batch_variance = moments(values)
    shape = ops.shape(values)
    number = shape[0]
    for length in shape[2:]:
        number = number * length
    number = ops.cast(number, values.dtype)
    mean.assign((1 - momentum) * mean + momentum * batch_mean)
    variance.assign((1 - momentum) * variance + momentum * batch_variance * number / (number - 1))
    return batch_norm(values, weight, bias, batch_mean, batch_variance, momentum, epsilon)
