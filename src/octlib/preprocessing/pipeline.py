"""Pipeline: steps and a size, from a scan to what a network takes, as one value that a classifier saves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from octlib._suggest import unknown
from octlib.preprocessing.contrast import normalise_contrast
from octlib.preprocessing.cropping import close_rows, crop_retina
from octlib.preprocessing.flattening import flatten_retina, level
from octlib.preprocessing.reading import as_grey, read_scan
from octlib.preprocessing.resizing import POLICIES, lay_back, resize_scan
from octlib.preprocessing.shifts import Shift
from octlib.preprocessing.sizes import as_size
from octlib.preprocessing.wedges import blank_wedges

# What can be done to a scan before it is resized, by the name that is saved: uint8 (height, width) in and out.
STEPS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "blank_wedges": blank_wedges,
    "normalise_contrast": normalise_contrast,
    "flatten_retina": flatten_retina,
    "crop_retina": crop_retina,
}
# Those that move pixels, and how: what is found on their result has its place elsewhere on the scan.
MOVES: dict[str, Callable[[NDArray[np.uint8]], Shift | None]] = {"flatten_retina": level, "crop_retina": close_rows}
ENLARGING = ("crop_retina",)  # after these, what is left of a scan that was decoded at a reduced scale may be too small


@dataclass(frozen=True)
class Preprocessing:
    """Everything that happens to a scan outside the graph: some steps, then resizing.

    Args:
        image_size: (height, width) in pixels, or one number for a square.
        steps: names of ``STEPS``, done in this order on the scan as it is read; ``()`` for resizing alone.
        resize: what becomes of the aspect ratio: ``"stretch"``, ``"pad"`` or ``"crop"``, as ``resize_scan`` says.

    Raises:
        TypeError: if ``image_size`` is no size, or ``steps`` no list of names.
        ValueError: if ``image_size`` is below one pixel, or a step or a way to resize is unknown.

    Example:
        >>> preprocessing = Preprocessing(224)
        >>> preprocessing(np.full((496, 768), 40, dtype=np.uint8)).shape
        (224, 224)
        >>> preprocessing.describe()
        'blank wedges, resize to 224 x 224'
        >>> Preprocessing(224, ("blank_wedges", "flatten_retina", "crop_retina"), "pad").describe()
        'blank wedges, flatten retina, crop retina, pad to the aspect ratio and resize to 224 x 224'
    """

    image_size: tuple[int, int]
    steps: Sequence[str] = ("blank_wedges",)
    resize: str = "stretch"

    def __post_init__(self) -> None:
        """Bring the size to (height, width), and the steps to a tuple of known names."""
        object.__setattr__(self, "image_size", as_size(self.image_size))
        if not isinstance(self.steps, list | tuple):
            raise TypeError(f"steps must be a list of names, got {self.steps!r}. Write steps=('blank_wedges',) or ().")
        object.__setattr__(self, "steps", tuple(self.steps))
        for step in self.steps:
            if step not in STEPS:
                raise unknown("preprocessing step", str(step), STEPS)
        if self.resize not in POLICIES:
            raise unknown("resize policy", self.resize, POLICIES)

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
        return resize_scan(scan, self.image_size, self.resize)

    def read(self, path: str | os.PathLike[str]) -> NDArray[np.uint8]:
        """Prepare one scan from its file.

        A JPEG is decoded at the smallest scale that still covers ``image_size``, which is several times faster and
        differs by a few grey values from decoding all of it; where a step crops, all of it is decoded.

        Args:
            path: an image file.

        Returns:
            uint8 (height, width) of ``image_size``.

        Raises:
            MissingScanError: if there is no such file.
            UnreadableScanError: if it can't be read.
        """
        return self(read_scan(path, self.at_least))

    @property
    def at_least(self) -> tuple[int, int] | None:
        """(height, width) in pixels that a scan must be read with, for ``read_scan``; ``None`` for its own size."""
        return None if set(self.steps) & set(ENLARGING) else self.image_size

    @property
    def moves(self) -> bool:
        """Whether a place in the result is another one in the scan, beyond a stretch of the whole."""
        return self.resize != "stretch" or bool(set(self.steps) & set(MOVES))

    def lay_back(self, image: NDArray[np.float32], scan: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Lay a map of the prepared scan over the scan as it was.

        Args:
            image: float32 (height, width) of ``image_size``, such as a heatmap.
            scan: what was prepared, as for calling.

        Returns:
            float32 (h, w), of the scan's size; 0 where the scan was cropped.

        Example:
            >>> scan = np.full((496, 512), 20, dtype=np.uint8)
            >>> scan[200:215], scan[215:280], scan[280:300] = 120, 70, 180
            >>> preprocessing = Preprocessing(224, steps=("crop_retina",))
            >>> laid = preprocessing.lay_back(preprocessing(scan).astype(np.float32), scan)
            >>> laid.shape, bool(np.abs(laid - scan)[205:295].mean() < 4), float(laid[:150].max())
            ((496, 512), True, 0.0)
        """
        scan = as_grey(scan)
        heights, shifts = [], []
        for step in self.steps:
            heights.append(len(scan))
            shifts.append(MOVES[step](scan) if step in MOVES else None)
            scan = STEPS[step](scan)
        laid = lay_back(image, scan.shape, self.resize)
        for height, shift in zip(reversed(heights), reversed(shifts), strict=True):
            laid = laid if shift is None else shift.put_back(laid, height)
        return laid

    def to_dict(self) -> dict[str, Any]:
        """State the settings as JSON can hold them: ``from_dict`` takes them back."""
        return {"image_size": list(self.image_size), "steps": list(self.steps), "resize": self.resize}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Preprocessing:
        """Restore what ``to_dict`` stated.

        Args:
            settings: ``image_size`` and, if they aren't the default, ``steps`` and ``resize``.

        Returns:
            A preprocessing that is equal to the stated one.

        Raises:
            TypeError: as ``Preprocessing``.
            ValueError: if a setting is unknown or ``image_size`` is missing, or as ``Preprocessing``.

        Example:
            >>> Preprocessing.from_dict({"image_size": [100, 120], "steps": []})
            Preprocessing(image_size=(100, 120), steps=(), resize='stretch')
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
        how = "" if self.resize == "stretch" else f"{self.resize} to the aspect ratio and "
        return ", ".join([*(step.replace("_", " ") for step in self.steps), f"{how}resize to {height} x {width}"])


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
        Preprocessing(image_size=(100, 100), steps=(), resize='stretch')
    """
    return wanted if isinstance(wanted, Preprocessing) else Preprocessing(as_size(wanted), steps=())
