"""Pipeline: wedge blanking and resizing as one value that every verb shares and a classifier saves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib._suggest import unknown
from octlib.preprocessing.reading import as_grey, read_scan
from octlib.preprocessing.resizing import resize_scan
from octlib.preprocessing.sizes import as_size
from octlib.preprocessing.wedges import blank_wedges


@dataclass(frozen=True)
class Preprocessing:
    """Everything that happens to a scan outside the graph: wedges blanked, then resized.

    Args:
        image_size: (height, width) in pixels, or one number for a square.
        blank_wedges: whether white wedges along the border are painted black first.

    Raises:
        TypeError: where ``image_size`` is no size, or ``blank_wedges`` neither ``True`` nor ``False``.
        ValueError: where ``image_size`` is below one pixel.

    Example:
        >>> preprocessing = Preprocessing(224)
        >>> preprocessing(np.full((496, 768), 40, dtype=np.uint8)).shape
        (224, 224)
        >>> preprocessing.describe()
        'white wedges blanked, resized to 224 x 224'
    """

    image_size: tuple[int, int]
    blank_wedges: bool = True

    def __post_init__(self) -> None:
        """Bring the size to (height, width)."""
        object.__setattr__(self, "image_size", as_size(self.image_size))
        if not isinstance(self.blank_wedges, bool):
            raise TypeError(f"blank_wedges must be True or False, got {self.blank_wedges!r}.")

    def __call__(self, scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Prepare one scan.

        Args:
            scan: uint8 (h, w), (h, w, 1) or (h, w, 3) in 0-255.

        Returns:
            uint8 (height, width) of ``image_size``.

        Raises:
            TypeError: where the values aren't uint8.
            ValueError: where the shape is another one.
        """
        scan = as_grey(scan)
        return resize_scan(blank_wedges(scan) if self.blank_wedges else scan, self.image_size)

    def read(self, path: str | os.PathLike[str]) -> NDArray[np.uint8]:
        """Prepare one scan from its file.

        A JPEG is decoded at the smallest scale that still covers ``image_size``, which is several times faster and
        differs by a few grey values from decoding all of it.

        Args:
            path: an image file.

        Returns:
            uint8 (height, width) of ``image_size``.

        Raises:
            FileNotFoundError: where there is no such file.
            ValueError: where it can't be read.
        """
        return self(read_scan(path, at_least=self.image_size))

    def to_dict(self) -> dict[str, Any]:
        """State the settings as JSON can hold them: ``from_dict`` takes them back."""
        return {"image_size": list(self.image_size), "blank_wedges": self.blank_wedges}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Preprocessing:
        """Restore what ``to_dict`` stated.

        Args:
            settings: ``image_size`` and, if it isn't the default, ``blank_wedges``.

        Returns:
            A preprocessing that is equal to the stated one.

        Raises:
            ValueError: where a setting is unknown or ``image_size`` is missing.

        Example:
            >>> Preprocessing.from_dict({"image_size": [100, 120], "blank_wedges": False})
            Preprocessing(image_size=(100, 120), blank_wedges=False)
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
        return f"{'white wedges blanked, ' if self.blank_wedges else ''}resized to {height} x {width}"
