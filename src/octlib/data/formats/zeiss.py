"""Zeiss: the raw cubes of Cirrus devices, .img, whose names say what they hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from octlib.data.file_format import Contents
from octlib.data.volume_format import (
    Volume,
    VolumeFormat,
    as_8_bit,
    columns_of,
    contents_of,
    eye_in,
    require_size,
)

HEIGHT, WIDTH = 1024, 512  # of a slice where the name says nothing, as in oct-converter


class Zeiss(VolumeFormat):
    """Reads Zeiss' .img by oct-converter: 8-bit values as they are."""

    suffixes = (".img",)
    module, package, extra = "oct_converter", "oct-converter", "volumes"

    def look(self, path: Path) -> Contents:
        """Read patient, eye and size off the name, such as ``P12_Macular Cube 512x128_OD_sn1_cube_z.img``."""
        slices, _, _ = _shape(path)
        patient = _reader(path).get_metadata_from_filename()["patient_id"]
        return contents_of(slices, patient, columns_of(eye=eye_in(path.name)))

    def decode(self, path: Path) -> Volume:
        """Read all slices."""
        _, height, width = _shape(path)
        return as_8_bit(_reader(path).read_oct_volume(rows=height, cols=width).volume)


def _reader(path: Path) -> Any:
    from oct_converter.readers import IMG

    return IMG(path)


def _shape(path: Path) -> tuple[int, int, int]:
    """Find (slices, height, width): by the name, or else as long as the file holds whole slices of the usual size."""
    size = path.stat().st_size
    named = re.search(r"(?<!\d)(\d{2,4})x(\d{1,4})(?!\d)", path.name)
    if named is None:
        width, height, slices = WIDTH, HEIGHT, size // (HEIGHT * WIDTH)
    else:
        width, slices = map(int, named.groups())
        height = size // max(1, width * slices)
    if slices * height * width != size:
        raise ValueError(
            f"it has {size:,} bytes, which are no cube of Zeiss: its name must tell width and number of slices, as in "
            f"'512x128', or each slice be {HEIGHT} x {WIDTH} pixels"
        )
    require_size(slices, height, width)
    return slices, height, width
