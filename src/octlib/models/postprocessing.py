"""Postprocessing: what happens to a prediction after the graph, as one value that every verb uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from octlib.models.config_format import require_known


@dataclass(frozen=True)
class Postprocessing:
    """How the probabilities that the graph gives for a scan become the prediction.

    Args:
        flips: average over the scan and its mirror image, left and right exchanged, which takes twice as long.

    Raises:
        TypeError: if ``flips`` is neither ``True`` nor ``False``.

    Example:
        >>> Postprocessing(flips=True).views
        (False, True)
    """

    flips: bool = False

    def __post_init__(self) -> None:
        """Check every field once."""
        if not isinstance(self.flips, bool):
            raise TypeError(f"flips must be True or False, got {self.flips!r}.")

    @property
    def views(self) -> tuple[bool, ...]:
        """The views of a scan that the graph has to see: for each of them, whether it is mirrored."""
        return (False, True) if self.flips else (False,)

    def combine(self, probabilities: Sequence[Any]) -> Any:
        """Make one prediction of the probabilities of all views.

        Args:
            probabilities: for each view float (n, classes), an array or a tensor of torch.

        Returns:
            float (n, classes) of the same kind; rows sum to 1.

        Example:
            >>> import numpy as np
            >>> Postprocessing(flips=True).combine([np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])])
            array([[0.75, 0.25]])
        """
        first, *others = probabilities
        return sum(others, start=first) / len(probabilities) if others else first

    def describe(self) -> str:
        """Say in a few words how a prediction comes about, for summaries and model cards."""
        return "the mean over the scan and its mirror image" if self.flips else "of the scan as it is"

    def to_dict(self) -> dict[str, Any]:
        """State the settings as JSON can hold them: ``from_dict`` takes them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Postprocessing:
        """Restore what ``to_dict`` stated.

        Args:
            settings: any of the fields; what is missing gets its default.

        Returns:
            A postprocessing that is equal to the stated one.

        Raises:
            ValueError: if a setting is unknown.
        """
        require_known("postprocessing", settings, cls.__dataclass_fields__)
        return cls(**settings)
