"""Backbone specification: all that it takes to build a backbone again, without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from octlib.models.config_format import require_known
from octlib.models.lora import Lora
from octlib.models.model_args import check_architecture, check_model_args
from octlib.preprocessing import as_size


@dataclass(frozen=True)
class BackboneSpec:
    """What a backbone is: a timm architecture and how its input is prepared.

    Attributes:
        architecture: timm's name without a weights tag, such as ``"resnet50"``.
        mean: mean of each of the three channels, in 0-1.
        std: standard deviation of each channel, in 0-1.
        classifier: timm's name of the last dense layer, such as ``"fc"``; the head is saved under it.
        model_args: further arguments of ``timm.create_model``, such as ``{"pad_type": "same"}``.
        origin: where the weights came from, in words, for the model card.
        fixed_batchnorm: keep BatchNorm's statistics while fine-tuning; right for weights that were trained already.
        inner_size: (height, width) in pixels that scans are resized to inside the backbone; ``None`` takes them as they
            come.
        lora: the layers that small matrices learn beside, or ``None``.

    Raises:
        WeightsError: if the architecture is no plain name, or an argument does more than shape the network.
    """

    architecture: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classifier: str
    model_args: Mapping[str, Any] = field(default_factory=dict)
    origin: str = "unknown"
    fixed_batchnorm: bool = True
    inner_size: tuple[int, int] | None = None
    lora: Lora | None = None

    def __post_init__(self) -> None:
        """Check what reaches timm, wherever the specification is from."""
        check_architecture(self.architecture)
        check_model_args(self.model_args)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as a dictionary that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BackboneSpec:
        """Build the specification from ``to_dict``'s dictionary.

        Args:
            values: the dictionary; lists stand for tuples after a journey through JSON.

        Returns:
            An equal specification.

        Raises:
            KeyError: if ``mean`` or ``std`` is missing.
            TypeError: if another field without a default is.
            ValueError: if a field is unknown.
            WeightsError: if a field says more than a specification may.
        """
        require_known("a backbone", values, cls.__dataclass_fields__)
        tuples: dict[str, Any] = {name: tuple(values[name]) for name in ("mean", "std")}
        if values.get("inner_size") is not None:
            tuples["inner_size"] = as_size(values["inner_size"])
        if values.get("lora") is not None:
            require_known("lora", values["lora"], Lora.__dataclass_fields__)
            tuples["lora"] = Lora(values["lora"]["rank"], tuple(values["lora"]["layers"]))
        return cls(**{**values, **tuples, "model_args": dict(values.get("model_args", {}))})
