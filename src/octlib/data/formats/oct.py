"""OCT: two formats with one suffix, Bioptigen's and Optovue's, told apart by how they begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from octlib.data.eyes import eye_of
from octlib.data.file_format import Contents
from octlib.data.volume_format import (
    Volume,
    VolumeFormat,
    as_8_bit,
    columns_of,
    contents_of,
    eye_in,
    own_copy,
    refuse,
    require_bytes,
    require_size,
)


class Oct(VolumeFormat):
    """Reads Bioptigen's and Optovue's .OCT by oct-converter, scaled by the largest value of the volume.

    A time series of volumes, which Bioptigen's may be, is one volume: all of it is one eye. Optovue's needs the text
    file of the same name beside it, which tells the size.
    """

    suffixes = (".oct",)
    module, package, extra = "oct_converter", "oct-converter", "volumes"

    def look(self, path: Path) -> Contents:
        """Read the eye and the number of slices; neither format tells the patient."""
        if _is_bioptigen(path):
            return contents_of(len(_bioptigen(path)[1]), None, columns_of(eye=eye_in(path.name)))
        reader = _optovue(path)
        eye = eye_of(reader.file_info.get("laterality"))
        return contents_of(reader.scan_info[0]["number"], None, columns_of(eye=eye))

    def decode(self, path: Path) -> Volume:
        """Decode all slices."""
        if not _is_bioptigen(path):
            return as_8_bit(_optovue(path).read_oct_volume()[0].volume)
        # oct-converter keeps A-scans in rows.
        volumes = _bioptigen(path)[0].read_oct_volume()
        return as_8_bit([frame.T for volume in volumes for frame in volume.volume])


def _is_bioptigen(path: Path) -> bool:
    with path.open("rb") as file:
        return b"FRAMEHEADER" in file.read(64)  # its first field


def _bioptigen(path: Path) -> tuple[Any, list[Any]]:
    """Open a file and find its frames, which must be there with all of their pixels."""
    # The library prints what goes wrong, and goes on without the frames. Dates of anonymous files are none.
    module = own_copy("oct_converter.readers.boct", print=refuse, datetime=lambda **_: None)
    reader = module.BOCT(path)
    size = path.stat().st_size
    header = reader.header_structure.parse_file(path)
    n, height, width = (int(getattr(header, name).value) for name in ("framecount", "linelength", "linecount"))
    require_size(n, height, width)
    require_bytes(2 * n * height * width, size)
    if int(header.frames.value) * int(header.scans.value) != n or header.scantype.value not in (
        reader.bioptigen_scan_type_map
    ):
        raise ValueError(
            f"it has {n:,} frames, {header.frames.value:,} in each of {header.scans.value:,} scans of the kind "
            f"{header.scantype.value}, which oct-converter can't read"
        )
    frames = reader.file_structure.parse_file(path).data
    if {(frame.image.rows, frame.image.columns) for frame in frames} != {(height, width)}:
        raise ValueError("its frames differ in size")
    require_bytes(max(frame.image.end for frame in frames), size)
    return reader, list(frames)


def _optovue(path: Path) -> Any:
    """Open a file with the text beside it; of several kinds of scans in one, oct-converter reads the first alone."""
    from oct_converter.readers import POCT

    text = path.with_suffix(".txt")
    if not text.is_file():
        raise ValueError(f"it is none of Bioptigen's, and Optovue's need {text.name} beside them, which tells the size")
    try:
        reader = POCT(path)
        reader._read_filespec()
        scans = [(scan["number"], scan["height"], scan["length"]) for scan in reader.scan_info]
        if not scans or len(set(scans)) > 1:
            raise ValueError(f"it must tell of one scan, and tells of {len(scans):,}: {scans[:3]}")
        require_size(*scans[0])
        slices, height, width = scans[0]
        require_bytes(4 * len(scans) * slices * height * width, path.stat().st_size)
    except Exception as error:  # the library raises nearly anything on damaged texts
        raise ValueError(f"by {text.name} beside it: {error}") from error
    if len(scans) > 1:
        raise ValueError(f"it holds {len(scans):,} scans, of which oct-converter reads the first alone")
    return reader
