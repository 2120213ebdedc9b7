"""Backbone layer: what every classifier asks of its backbone, whichever backend computes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from octlib.models.graph.network import Graph
from octlib.models.torch_modules import JoinedFeatures, TimmFeatures


class Backbone(ABC):
    """A timm backbone as a Keras layer: resized scans in, features out.

    ``TorchBackbone`` and ``GraphBackbone`` derive from it and from a layer of Keras. Nothing else asks which one it is.

    Attributes:
        spec: the backbone's specification.
        pooling: ``"average"`` or ``"flatten"``.
        image_size: (height, width) of the scans in pixels.
        n_features: length of what comes out.
        stages: for each stage the names of its parameters, from the input to the output.
        undecayed: names of parameters that weight decay leaves alone because the architecture says so.
        unchanging: whether its weights stay what they are, so that their digest is computed once only.
        weights_digest: that digest, where it was computed.
    """

    spec: Any  # BackboneSpec, or JoinedSpec of several
    pooling: str
    image_size: tuple[int, int]
    n_features: int
    stages: tuple[tuple[str, ...], ...]
    undecayed: frozenset[str]
    trainable: bool
    unchanging: bool = False
    weights_digest: str | None = None
    name: str

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, Any]:
        """Keras's variable of each parameter that can learn, by timm's name, in timm's order."""

    @property
    def pretrained(self) -> bool:
        """Whether what learns here had learned before."""
        return bool(self.spec.fixed_batchnorm)

    @property
    def feature_lengths(self) -> tuple[int, ...]:
        """How many features come from each backbone."""
        return (self.n_features,)

    @property
    def settings(self) -> dict[str, Any]:
        """All but weights that features depend on, as JSON can hold it."""
        spec = self.spec.to_dict() | {"origin": None}  # the same weights from another place are the same
        return {"backbone": spec, "pooling": self.pooling}

    @property
    @abstractmethod
    def device(self) -> str:
        """The kind of device that computes, such as ``"cpu"``."""

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Return every weight and buffer by timm's name; arrays may share their memory with the layer."""

    @abstractmethod
    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what ``state`` returned.

        Args:
            state: name to array.

        Raises:
            RuntimeError: if names or shapes do not fit; BatchNorm's counts of steps may be missing.
        """

    @abstractmethod
    def to_torch(self) -> TimmFeatures | JoinedFeatures:
        """Return a copy as a module of torch, all of which can learn."""

    def unfreeze(self, stages: int | None = None) -> None:
        """Let the last stages learn, and no others.

        Args:
            stages: how many; ``None`` is all of them.

        Raises:
            ValueError: if the architecture has fewer, or ``stages`` is below 1.
        """
        self.require_stages(stages)
        self.trainable, self.unchanging = True, False
        if stages is not None:
            learning = {name for stage in self.stages[-stages:] for name in stage}
            for name, variable in self.parameters.items():
                variable.trainable = name in learning

    def require_stages(self, stages: int | None) -> None:
        """Refuse more stages than there are; arguments as in ``unfreeze``."""
        n = len(self.stages)
        if stages is not None and (isinstance(stages, bool) or stages not in range(1, n + 1)):
            raise ValueError(
                f"{self.spec.architecture} has {n} stages, of which 1 or more can be unfrozen, got {stages!r}. "
                "None unfreezes all."
            )

    @property
    def unfrozen_stages(self) -> int | None:
        """How many of the last stages learn; ``None`` where all do, or the backbone is frozen."""
        parameters = self.parameters
        if not self.trainable or all(variable.trainable for variable in parameters.values()):
            return None
        return sum(any(parameters[name].trainable for name in stage) for stage in self.stages)

    @property
    def places(self) -> dict[str, int]:
        """How many stages come after that of each parameter, by timm's name."""
        return {name: place for place, stage in enumerate(reversed(self.stages)) for name in stage}

    @property
    def partly_frozen(self) -> bool:
        """Whether some stages learn and others before them stay as they are."""
        return self.unfrozen_stages is not None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Return (batch, features) for any input."""
        return (input_shape[0], self.n_features)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs: names and numbers, no weights."""
        return {
            "name": self.name,
            "spec": self.spec.to_dict(),
            "pooling": self.pooling,
            "image_size": list(self.image_size),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Backbone:
        """Build the layer, with random weights, from ``get_config``'s dictionary."""
        return cls(**config)

    def save_own_variables(self, store: Any) -> None:
        """Write the state into a ``.keras`` file, by timm's names: layers of all backends read it."""
        for name, value in self.state().items():
            store[name] = value

    def load_own_variables(self, store: Any) -> None:
        """Read what ``save_own_variables`` wrote."""
        self.load_state({name: np.asarray(store[name]) for name in store.keys()})  # noqa: SIM118 - no dict

    def _check_shape(self, shape: tuple[Any, ...]) -> None:
        """Refuse scans of another size, channels last."""
        height, width = self.image_size
        if len(shape) not in (3, 4) or tuple(shape[1:3]) != (height, width) or shape[3:] not in ((), (1,), (3,)):
            raise ValueError(
                f"The classifier takes a batch of grey or RGB scans of {height} x {width} pixels (height x width), "
                f"got an array of shape {tuple(shape)}. classifier.preprocess(scans) makes them fit."
            )


class SingleBackbone(Backbone):
    """One network, whose operations are known: it can be cut between them."""

    @abstractmethod
    def graph(self) -> Graph:
        """Say what the backbone computes, from normalised scans to features; its weights have timm's names.

        No property: Keras looks at those of every layer that it saves or loads, and a graph may take seconds.
        """

    @abstractmethod
    def normalised(self, scans: Any) -> Any:
        """Give scans three channels and the mean and deviation that the network knows.

        Args:
            scans: as in ``call``.

        Returns:
            float32 (batch, 3, height, width).
        """

    @abstractmethod
    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute features, float32 (batch, features), of scans in 0-255, (batch, height, width[, 1 or 3])."""

    @abstractmethod
    def carry_out(self, part: Graph, inputs: Sequence[Any]) -> list[Any]:
        """Carry out a part of the graph, as it predicts, with the weights as they are.

        Args:
            part: of ``graph``.
            inputs: of that part.

        Returns:
            Its outputs.
        """
