"""Joined specification: several backbones side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from octlib.models.config_format import require_known
from octlib.models.lora import Lora
from octlib.models.spec import BackboneSpec

HEAD = "head"  # the name under which a head is saved that belongs to no single architecture


@dataclass(frozen=True)
class JoinedSpec:
    """What several backbones are, whose features lie side by side.

    Attributes:
        members: the backbones' own specifications, at least two, in the order of their features.

    Raises:
        ValueError: if there are fewer.
    """

    members: tuple[BackboneSpec, ...]

    def __post_init__(self) -> None:
        """Refuse a single one, which needs no joining."""
        if len(self.members) < 2:
            raise ValueError(f"Joined backbones must be two or more, got {len(self.members)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each backbone: the architecture, with a number from the second one of its kind on.

        Example:
            >>> spec = BackboneSpec("resnet18", (0.5,) * 3, (0.2,) * 3, "fc")
            >>> JoinedSpec((spec, spec)).names
            ('resnet18', 'resnet18_2')
        """
        found: list[str] = []
        for member in self.members:
            name, number = member.architecture, 1
            while name in found:
                number += 1
                name = f"{member.architecture}_{number}"
            found.append(name)
        return tuple(found)

    @property
    def architecture(self) -> str:
        """The names, as people read them."""
        return " + ".join(self.names)

    @property
    def classifier(self) -> str:
        """The name under which the head is saved."""
        return HEAD

    @property
    def lora(self) -> Lora | None:
        """That of the first backbone that has one."""
        return next((member.lora for member in self.members if member.lora is not None), None)

    @property
    def origin(self) -> str:
        """Where the weights came from, in words."""
        return " + ".join(member.origin for member in self.members)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as a dictionary that JSON can hold."""
        return {"members": [member.to_dict() for member in self.members]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JoinedSpec:
        """Build the specification from ``to_dict``'s dictionary.

        Args:
            values: the dictionary.

        Returns:
            An equal specification.

        Raises:
            ValueError: if a field is unknown, or there are fewer than two members; and as ``BackboneSpec.from_dict``,
                like other errors.
        """
        require_known("joined backbones", values, ("members",))
        return cls(tuple(BackboneSpec.from_dict(member) for member in values["members"]))


def as_spec(values: Mapping[str, Any]) -> BackboneSpec | JoinedSpec:
    """Build a specification, of one backbone or of several, from ``to_dict``'s dictionary.

    Args:
        values: the dictionary.

    Returns:
        An equal specification.

    Raises:
        KeyError: as ``BackboneSpec.from_dict``, like all other errors.
    """
    return JoinedSpec.from_dict(values) if "members" in values else BackboneSpec.from_dict(values)
