"""Pipeline: steps and a size, from a scan to what a network takes, as one value that a classifier saves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from octlib._suggest import unknown
from octlib.preprocessing.reading import as_grey, read_scan
from octlib.preprocessing.resizing import resize_scan
from octlib.preprocessing.sizes import as_size
from octlib.preprocessing.wedges import blank_wedges

# What can be done to a scan before it is resized, by the name that is saved: uint8 (height, width) in and out.
STEPS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {"blank_wedges": blank_wedges}


@dataclass(frozen=True)
class Preprocessing:
    """Everything that happens to a scan outside the graph: some steps, then resizing.

    Args:
        image_size: (height, width) in pixels, or one number for a square.
        steps: names of ``STEPS``, done in this order on the scan as it is read; ``()`` for resizing alone.

    Raises:
        TypeError: if ``image_size`` is no size, or ``steps`` no list of names.
        ValueError: if ``image_size`` is below one pixel, or a step is unknown.

    Example:
        >>> preprocessing = Preprocessing(224)
        >>> preprocessing(np.full((496, 768), 40, dtype=np.uint8)).shape
        (224, 224)
        >>> preprocessing.describe()
        'blank wedges, resize to 224 x 224'
    """

    image_size: tuple[int, int]
    steps: tuple[str, ...] = ("blank_wedges",)

    def __post_init__(self) -> None:
        """Bring the size to (height, width), and the steps to a tuple of known names."""
        object.__setattr__(self, "image_size", as_size(self.image_size))
        if not isinstance(self.steps, list | tuple):
            raise TypeError(f"steps must be a list of names, got {self.steps!r}. Write steps=('blank_wedges',) or ().")
        object.__setattr__(self, "steps", tuple(self.steps))
        for step in self.steps:
            if step not in STEPS:
                raise unknown("preprocessing step", str(step), STEPS)

    def __call__(self, scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Prepare one scan.

        Args:
            scan: uint8 (h, w), (h, w, 1) or (h, w, 3) in 0-255.

        Returns:
            uint8 (height, width) of ``image_size``.

        Raises:
            TypeError: if the values aren't uint8.
            ValueError: if the shape is another one.
        """
        scan = as_grey(scan)
        for step in self.steps:
            scan = STEPS[step](scan)
        return resize_scan(scan, self.image_size)

    def read(self, path: str | os.PathLike[str]) -> NDArray[np.uint8]:
        """Prepare one scan from its file.

        A JPEG is decoded at the smallest scale that still covers ``image_size``, which is several times faster and
        differs by a few grey values from decoding all of it.

        Args:
            path: an image file.

        Returns:
            uint8 (height, width) of ``image_size``.

        Raises:
            MissingScanError: if there is no such file.
            UnreadableScanError: if it can't be read.
        """
        return self(read_scan(path, at_least=self.image_size))

    def to_dict(self) -> dict[str, Any]:
        """State the settings as JSON can hold them: ``from_dict`` takes them back."""
        return {"image_size": list(self.image_size), "steps": list(self.steps)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Preprocessing:
        """Restore what ``to_dict`` stated.

        Args:
            settings: ``image_size`` and, if they aren't the default, ``steps``.

        Returns:
            A preprocessing that is equal to the stated one.

        Raises:
            TypeError: as ``Preprocessing``.
            ValueError: if a setting is unknown or ``image_size`` is missing, or as ``Preprocessing``.

        Example:
            >>> Preprocessing.from_dict({"image_size": [100, 120], "steps": []})
            Preprocessing(image_size=(100, 120), steps=())
        """
        for name in settings:
            if name not in cls.__dataclass_fields__:
                raise unknown("preprocessing setting", name, cls.__dataclass_fields__)
        if "image_size" not in settings:
            raise ValueError(f"Preprocessing settings must have an 'image_size', got {dict(settings)}. Add it.")
        return cls(**settings)

    def describe(self) -> str:
        """Say in one line what happens to a scan, for summaries and model cards."""
        height, width = self.image_size
        return ", ".join([*(step.replace("_", " ") for step in self.steps), f"resize to {height} x {width}"])


def as_preprocessing(wanted: Preprocessing | SupportsIndex | Sequence[SupportsIndex]) -> Preprocessing:
    """Bring what a caller wrote for a preprocessing to one.

    Args:
        wanted: a preprocessing, or a size in pixels, (height, width) or one number, for resizing alone.

    Returns:
        A preprocessing.

    Raises:
        TypeError: if it is neither.
        ValueError: if the size is below one pixel.

    Example:
        >>> as_preprocessing(100)
        Preprocessing(image_size=(100, 100), steps=())
    """
    return wanted if isinstance(wanted, Preprocessing) else Preprocessing(as_size(wanted), steps=())
