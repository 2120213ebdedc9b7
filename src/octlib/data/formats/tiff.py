"""TIFF: a file with one image, or with a stack of them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

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
            _require_all_pages(file)
            n = min(getattr(image, "n_frames", 1), MAX_FRAMES + 1)
            if n > MAX_FRAMES:
                raise ValueError(f"it has more pages than the {MAX_FRAMES:,} of the largest volume")
            return Contents(n if n > 1 and len({_size(image, page) for page in range(n)}) == 1 else None)

    def read(self, path: Path, frame: int, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Read one page; of the first it is asked whether all others are there, too."""
        if frame == 0:
            with errors_of_scan(path), open_binary(path) as file:
                _require_all_pages(file)
        return read_scan(path, at_least, frame)


def _require_all_pages(file: BinaryIO) -> None:
    """Follow the chain of pages to its end: Pillow takes a page that is cut off for no page at all."""
    place, end = file.tell(), file.seek(0, 2)
    file.seek(0)
    kind = file.read(4)
    order, large = ("<" if kind[:2] == b"II" else ">"), kind[2:4] in (b"\x2b\0", b"\0\x2b")
    count, entry, offset = (f"{order}Q", 20, f"{order}Q") if large else (f"{order}H", 12, f"{order}L")
    file.seek(8 if large else 4)
    seen: set[int] = set()
    while (page := _number(file, offset)) and page not in seen and len(seen) <= MAX_FRAMES:
        seen.add(page)
        file.seek(min(page, end))
        file.seek(min(file.tell() + struct.calcsize(count) + _number(file, count) * entry, end))
    file.seek(place)


def _number(file: BinaryIO, form: str) -> int:
    content = file.read(struct.calcsize(form))
    if len(content) < struct.calcsize(form):
        raise ValueError("its pages break off")
    return int(struct.unpack(form, content)[0])


def _size(image: Image.Image, page: int) -> tuple[int, int]:
    image.seek(page)
    return image.size
