"""TIFF: a file with one image, or with a stack of them."""

from __future__ import annotations

import struct
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from octlib.archives import locate, open_binary, size_of
from octlib.data.file_format import MAX_FRAMES, Contents, FileFormat
from octlib.preprocessing import errors_of_scan, pillow_warnings_ignored, read_scan

TAGS = 8  # of a page that are looked at: they are sorted, and those that say its size come first
KIND, WIDTH, HEIGHT = 254, 256, 257  # tags of a page
REDUCED = 1  # the bit of KIND that a smaller version of another page has
MAGIC = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
NUMBERS = {3: "H", 4: "L", 16: "Q"}  # types of tags that are whole numbers


class Page(NamedTuple):
    """What a page says of itself: its size in pixels, and whether it is a smaller version of another one."""

    size: tuple[int, int]
    reduced: bool


class Tiff(FileFormat):
    """Reads TIFF by Pillow, 8 and 16 bit; the pages of the commonest size are a volume, if they are several."""

    suffixes = (".tif", ".tiff")

    def describe(self, path: Path) -> Contents:
        """Count the pages of the stack, and name those of other sizes, but for smaller versions of others.

        Where no two are of one size, the file is one scan, the first page.
        """
        with errors_of_scan(path), open_binary(path) as file, pillow_warnings_ignored(), Image.open(file):
            pages = _pages(file)
            if len(pages) > MAX_FRAMES:
                raise ValueError(f"it has more pages than the {MAX_FRAMES:,} of the largest volume")
        stack = _stack(pages)
        if len(stack) < 2:
            return Contents()
        others = {number for number, page in enumerate(pages) if not page.reduced} - set(stack)
        return Contents(len(stack), other_pages=tuple(sorted(others)))

    def read(self, path: Path, frame: int, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Read one page of the stack; it is an error too if one behind it is cut off."""
        with errors_of_scan(path):
            stack = _stack_of(path, _stamp(path))
            if frame >= len(stack):
                raise ValueError(f"it has no slice {frame} any more")
        return read_scan(path, at_least, stack[frame])


@lru_cache(maxsize=64)  # slices are read one by one, and the pages of a stack are looked for once
def _stack_of(path: Path, stamp: tuple[int, int]) -> list[int]:  # noqa: ARG001 - of another stamp it is another file
    with open_binary(path) as file:
        return _stack(_pages(file))


def _stamp(path: Path) -> tuple[int, int]:
    place = locate(path)
    return size_of(path), (path if place is None else place.archive.path).stat().st_mtime_ns


def _stack(pages: list[Page]) -> list[int]:
    """Choose the pages of the commonest size; of sizes that are equally common, that of the first page."""
    whole = [page.size for page in pages if not page.reduced] or [page.size for page in pages]
    ((size, _),) = Counter(whole).most_common(1)  # of equally common ones the first that it met
    return [number for number, page in enumerate(pages) if page.size == size]


def _pages(file: BinaryIO) -> list[Page]:
    """Follow the chain of pages to its end: Pillow takes a page that is cut off for no page at all."""
    place, end = file.tell(), file.seek(0, 2)
    file.seek(0)
    kind = file.read(4)
    if kind not in MAGIC:
        file.seek(place)
        return [Page((0, 0), reduced=False)]  # an image of another kind, whatever its name
    order, large = MAGIC[kind]
    count, entry, offset = (order + form for form in (("Q", "HHQ8s", "Q") if large else ("H", "HHL4s", "L")))
    file.seek(8 if large else 4)
    seen: dict[int, Page] = {}
    while (page := _number(file, offset)) and page not in seen and len(seen) <= MAX_FRAMES:
        file.seek(min(page, end))
        n = _number(file, count)
        first = file.tell()
        seen[page] = _page(file.read(min(n, TAGS) * struct.calcsize(entry)), entry, order)
        file.seek(min(first + n * struct.calcsize(entry), end))
    file.seek(place)
    if not seen:
        raise ValueError("it has no pages")
    return list(seen.values())


def _page(entries: bytes, entry: str, order: str) -> Page:
    whole = len(entries) - len(entries) % struct.calcsize(entry)
    found = {}
    for tag, kind, _, value in struct.iter_unpack(entry, entries[:whole]):
        if tag > HEIGHT:
            break
        if tag in (KIND, WIDTH, HEIGHT) and kind in NUMBERS:
            number = f"{order}{NUMBERS[kind]}"
            found[tag] = struct.unpack(number, value[: struct.calcsize(number)])[0]
    return Page((found.get(HEIGHT, 0), found.get(WIDTH, 0)), bool(found.get(KIND, 0) & REDUCED))


def _number(file: BinaryIO, form: str) -> int:
    content = file.read(struct.calcsize(form))
    if len(content) < struct.calcsize(form):
        raise ValueError("its pages break off")
    return int(struct.unpack(form, content)[0])
