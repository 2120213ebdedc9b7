"""Joined backbone: several backbones that see the same scans, their features side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from octlib.models.backbone import Backbone
from octlib.models.joined_spec import JoinedSpec
from octlib.models.keras_backend import keras
from octlib.models.layers import backbone_layer
from octlib.models.torch_modules import JoinedFeatures
from octlib.preprocessing import as_size


@keras.saving.register_keras_serializable("octlib")
class JoinedBackbone(Backbone, keras.layers.Layer):
    """Several backbones as one Keras layer.

    Names of weights begin with the name of their backbone, as ``JoinedSpec.names`` has it. Stages are those of each.

    Args:
        spec: the backbones' specifications, or their dictionary.
        pooling: ``"average"`` or ``"flatten"``, of all.
        image_size: (height, width) of the scans in pixels.
        module: the timm modules with their weights, one for each backbone; ``None`` builds them at random.
        **kwargs: ``name`` and other arguments of a Keras layer.
    """

    def __init__(
        self,
        spec: JoinedSpec | dict[str, Any],
        pooling: str,
        image_size: tuple[int, int],
        *,
        module: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec: JoinedSpec = spec if isinstance(spec, JoinedSpec) else JoinedSpec.from_dict(spec)
        self.pooling, self.image_size = pooling, as_size(image_size)
        modules = [None] * len(self.spec.members) if module is None else module
        self.members = [
            backbone_layer()(member, pooling, self.image_size, module=each, name=name)
            for name, member, each in zip(self.spec.names, self.spec.members, modules, strict=True)
        ]
        self.n_features = sum(self.feature_lengths)
        self.undecayed = frozenset(
            f"{name}.{parameter}" for name, member in self._named() for parameter in member.undecayed
        )

    def _named(self) -> Any:
        return zip(self.spec.names, self.members, strict=True)

    def build(self, input_shape: Any) -> None:
        """Build the members, which all take the same scans."""
        for member in self.members:
            member.build(input_shape)
        self.built = True

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Keras's variable of each parameter, by the backbone's name and timm's."""
        return {f"{name}.{key}": each for name, member in self._named() for key, each in member.parameters.items()}

    @property
    def unchanging(self) -> bool:
        """Whether the weights of all stay what they are."""
        return all(member.unchanging for member in self.members)

    @unchanging.setter
    def unchanging(self, value: bool) -> None:
        """Set it, of all."""
        for member in self.members:
            member.unchanging = value

    @property
    def pretrained(self) -> bool:
        """Whether some of those that learn had learned before."""
        return any(member.spec.fixed_batchnorm for member in self.members if member.trainable)

    @property
    def feature_lengths(self) -> tuple[int, ...]:
        """How many features come from each backbone."""
        return tuple(member.n_features for member in self.members)

    @property
    def device(self) -> str:
        """The kind of device that computes."""
        return str(self.members[0].device)

    def state(self) -> dict[str, np.ndarray]:
        """Return every weight and buffer, by the backbone's name and timm's."""
        return {f"{name}.{key}": value for name, member in self._named() for key, value in member.state().items()}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what ``state`` returned; RuntimeError, if names or shapes do not fit."""
        self.unchanging = False
        strange = [key for key in state if key.partition(".")[0] not in self.spec.names]
        if strange:
            raise RuntimeError(f"weights that are of none of {', '.join(self.spec.names)}: {strange}")
        for name, member in self._named():
            start = f"{name}."
            member.load_state({key.removeprefix(start): state[key] for key in state if key.startswith(start)})

    def to_torch(self) -> JoinedFeatures:
        """Return a copy as a module of torch, all of which can learn."""
        modules = {name: member.to_torch() for name, member in self._named()}
        return JoinedFeatures(modules, self.feature_lengths)

    def unfreeze(self, stages: Any = None) -> None:
        """Let the last stages of each backbone learn, and no others.

        Args:
            stages: how many; ``None`` is all of them. A list has a number for each backbone, 0 for one that is frozen.

        Raises:
            ValueError: if a backbone has fewer, or the list is of another length.
        """
        each = list(stages) if isinstance(stages, list | tuple) else [stages] * len(self.members)
        if len(each) != len(self.members) or all(n == 0 for n in each):
            raise ValueError(f"There are {len(self.members)} backbones, of which one learns or more, got {stages!r}.")
        for member, n in zip(self.members, each, strict=True):
            if n != 0:
                member.require_stages(n)  # all of them first, so that an error changes nothing
        self.trainable = True
        self.unchanging = False
        for member, n in zip(self.members, each, strict=True):
            if n != 0:
                member.unfreeze(n)
            else:
                member.trainable = False

    def unfreeze_one(self, name: str, stages: int | None = None) -> None:
        """Let the last stages of one backbone learn, and no others.

        Args:
            name: of the backbone.
            stages: how many; ``None`` is all of them.
        """
        dict(self._named())[name].require_stages(stages)
        self.unfreeze([stages if each == name else 0 for each in self.spec.names])

    @property
    def unfrozen_stages(self) -> Any:
        """How many of the last stages of each backbone learn, as ``unfreeze`` takes it; a list where they differ."""
        if not self.trainable:
            return None
        each = [member.unfrozen_stages if member.trainable else 0 for member in self.members]
        return each[0] if len(set(each)) == 1 else each

    @property
    def places(self) -> dict[str, int]:
        """How many stages of its backbone come after that of each parameter, by the backbone's name and timm's."""
        return {f"{name}.{key}": place for name, member in self._named() for key, place in member.places.items()}

    @property
    def partly_frozen(self) -> bool:
        """Whether all that learn are partly frozen."""
        learning = [member for member in self.members if member.trainable]
        return bool(learning) and all(member.partly_frozen for member in learning)

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute features.

        Args:
            scans: uint8 or float in 0-255, (batch, height, width) or (batch, height, width, 1 or 3).
            training: as for each member.

        Returns:
            float32 (batch, features): those of the first backbone, then those of the next.
        """
        return keras.ops.concatenate([member(scans, training=training) for member in self.members], axis=-1)

    def save_own_variables(self, store: Any) -> None:
        """Leave it to the members, which Keras asks too."""

    def load_own_variables(self, store: Any) -> None:
        """Leave it to the members, which Keras asks too."""
