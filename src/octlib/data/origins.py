"""Origins: where the pixels of a scan come from, and how they are read when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from octlib.phantoms import PhantomSpec, render
from octlib.preprocessing import as_grey, read_scan


class Origin(Protocol):
    """What every origin offers: a path, if there is one, and the pixels."""

    @property
    def path(self) -> Path | None:
        """The file that holds the scan, or ``None``."""

    def read(self, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Read the scan as uint8 (height, width); ``at_least`` lets a file come at a reduced scale that covers it."""


@dataclass(frozen=True, slots=True)
class FileScan:
    """A scan in an image file.

    Args:
        path: the file.
    """

    path: Path

    def read(self, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Decode the file.

        Args:
            at_least: (height, width) in pixels that are enough for the caller; a JPEG is then decoded faster.

        Returns:
            uint8 (height, width) in 0-255.

        Raises:
            FileNotFoundError: where there is no such file.
            ValueError: where it can't be read.
        """
        return read_scan(self.path, at_least)


@dataclass(frozen=True, slots=True, eq=False)
class ArrayScan:
    """A scan that is in memory, or in a memory-mapped array, already.

    Args:
        images: uint8 (n, height, width), (n, height, width, 1) or (n, height, width, 3), or a sequence of such images.
        index: which one of them.
    """

    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
    index: int

    @property
    def path(self) -> None:
        """Always ``None``: there is no file of this scan alone."""
        return

    def read(self, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Give the scan's own pixels.

        Args:
            at_least: not used: nothing has to be decoded.

        Returns:
            uint8 (height, width) in 0-255: for grey images a view, not a copy.
        """
        return as_grey(self.images[self.index])


@dataclass(frozen=True, slots=True)
class PhantomScan:
    """A synthetic scan, drawn anew whenever it is read: the same pixels each time.

    Args:
        spec: what is to be drawn.
    """

    spec: PhantomSpec

    @property
    def path(self) -> None:
        """Always ``None``: phantoms have no files."""
        return

    def read(self, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Draw the phantom.

        Args:
            at_least: not used: a phantom has one size.

        Returns:
            uint8 (height, width) in 0-255.
        """
        return render(self.spec).image
