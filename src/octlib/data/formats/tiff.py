"""TIFF: a file with one image, or with a stack of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from octlib.archives import open_binary
from octlib.data.file_format import MAX_FRAMES, Contents, FileFormat
from octlib.preprocessing import errors_of_scan, pillow_warnings_ignored, read_scan


class Tiff(FileFormat):
    """Reads TIFF by Pillow, 8 and 16 bit; several pages of one size are a volume."""

    suffixes = (".tif", ".tiff")

    def describe(self, path: Path) -> Contents:
        """Count the pages. Where they are of several sizes, those after the first are previews, and no scans."""
        with errors_of_scan(path), open_binary(path) as file, pillow_warnings_ignored(), Image.open(file) as image:
            n = min(getattr(image, "n_frames", 1), MAX_FRAMES + 1)
            if n > MAX_FRAMES:
                raise ValueError(f"it has more pages than the {MAX_FRAMES:,} of the largest volume")
            return Contents(n if n > 1 and len({_size(image, page) for page in range(n)}) == 1 else None)

    def read(self, path: Path, frame: int, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Read one page."""
        return read_scan(path, at_least, frame)


def _size(image: Image.Image, page: int) -> tuple[int, int]:
    image.seek(page)
    return image.size
