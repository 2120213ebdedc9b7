"""Origins: where the pixels of a scan come from, and how they are read when asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from octlib.archives import Archive, open_binary
from octlib.data.formats import format_of
from octlib.phantoms import PhantomSpec, render
from octlib.preprocessing import as_grey, errors_of_scan, read_scan


class Origin(Protocol):
    """What every origin offers: a path, if there is one, the pixels, and the lesions where somebody knows them."""

    @property
    def path(self) -> Path | None:
        """The file that holds the scan, or ``None``."""

    def read(self, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Read the scan as uint8 (height, width); ``at_least`` lets a file come at a reduced scale that covers it."""

    def fingerprint(self) -> bytes:
        """Digest the content in 32 bytes, as fast as possible: equal ones mean equal pixels."""

    def lesion_mask(self) -> NDArray[np.bool_] | None:
        """Mark the pixels of lesions, bool (height, width), or give ``None`` where nobody knows them."""


@dataclass(frozen=True, slots=True)
class FileScan:
    """A scan in an image file, or one of several in it.

    Args:
        path: the file.
        frame: which one of a volume or stack, from 0 on; ``None`` where the file is one scan.
        archive: the one that the path goes through, as it was when the scan was loaded; ``None`` for others.
    """

    path: Path
    frame: int | None = None
    archive: Archive | None = field(default=None, repr=False, compare=False)

    def read(self, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Decode the file.

        Args:
            at_least: (height, width) in pixels that are enough for the caller; a JPEG is then decoded faster.

        Returns:
            uint8 (height, width) in 0-255.

        Raises:
            MissingScanError: if there is no such file.
            UnreadableScanError: if it can't be read, or its archive isn't the one any more that was loaded.
            MissingPackageError: if its format needs a package that isn't installed.
        """
        if self.archive is not None:
            self.archive.require_unchanged(self.path)
        kind = format_of(self.path)
        if kind is None:
            return read_scan(self.path, at_least)
        if self.frame is None:
            kind.describe(self.path)  # where that fails, the file may hold other scans, which would be lost in silence
        return kind.read(self.path, self.frame or 0, at_least)

    def fingerprint(self) -> bytes:
        """Digest the bytes of the file, which is many times faster than decoding it; of one of several, the pixels.

        Returns:
            32 bytes.

        Raises:
            MissingScanError: if there is no such file.
            UnreadableScanError: if it is empty, or may not be read.
        """
        if self.frame is not None:
            return digest_of_pixels(self.read())
        if self.archive is not None:
            self.archive.require_unchanged(self.path)
        with errors_of_scan(self.path), open_binary(self.path) as file:
            return hashlib.sha256(file.read()).digest()

    def lesion_mask(self) -> None:
        """Give ``None``: nobody marked the lesions."""
        return


@dataclass(frozen=True, slots=True, eq=False)
class ArrayScan:
    """A scan that is in memory, or in a memory-mapped array, already.

    Args:
        images: uint8 (n, height, width), (n, height, width, 1) or (n, height, width, 3), or a sequence of such images.
        index: which one of them.
    """

    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]] = field(repr=False)
    index: int

    # Compared by where the pixels are: a dataset makes an equal one whenever it is asked.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayScan) and self.images is other.images and self.index == other.index

    def __hash__(self) -> int:
        return hash((id(self.images), self.index))

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

    def fingerprint(self) -> bytes:
        """Digest the shape and the pixels: 32 bytes."""
        return digest_of_pixels(self.images[self.index])

    def lesion_mask(self) -> None:
        """Give ``None``: nobody marked the lesions."""
        return


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

    def fingerprint(self) -> bytes:
        """Digest the pixels, which have to be drawn for it: 32 bytes."""
        return digest_of_pixels(self.read())

    def lesion_mask(self) -> NDArray[np.bool_]:
        """Mark the lesions, which are known because they were drawn: bool (height, width)."""
        return render(self.spec).mask


def digest_of_pixels(image: NDArray[np.uint8]) -> bytes:
    """Digest the shape and the grey values of an image in 32 bytes."""
    image = np.ascontiguousarray(image)
    # The shape stands in front: the same bytes can be a wide image or a high one.
    return hashlib.sha256(repr((image.shape, image.dtype.str)).encode() + image.tobytes()).digest()
