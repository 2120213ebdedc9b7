"""Backbone specification: all that it takes to build a backbone again, without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class BackboneSpec:
    """What a backbone is: a timm architecture and how its input is prepared.

    Attributes:
        architecture: timm's name without a weights tag, such as ``"resnet50"``.
        model_args: further arguments of ``timm.create_model``, such as ``{"pad_type": "same"}``.
        image_size: (height, width) in pixels.
        mean: mean of each of the three channels, in 0-1.
        std: standard deviation of each channel, in 0-1.
        classifier: timm's name of the last dense layer, such as ``"fc"``; the head is saved under it.
        origin: where the weights came from, in words, for the model card.
        fixed_batchnorm: keep BatchNorm's statistics while fine-tuning; right for weights that were trained already.
    """

    architecture: str
    model_args: Mapping[str, Any]
    image_size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classifier: str
    origin: str
    fixed_batchnorm: bool

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
            ValueError: if a field is missing or unknown.
        """
        wanted = set(cls.__dataclass_fields__)
        if set(values) != wanted:
            raise ValueError(
                f"A backbone specification needs the fields {sorted(wanted)}, got {sorted(values)}. "
                "Was the classifier written by another version of octlib?"
            )
        tuples = {name: tuple(values[name]) for name in ("image_size", "mean", "std")}
        return cls(**{**values, **tuples, "model_args": dict(values["model_args"])})
