"""Topcon: the files of its 3D OCT devices, .fda and .fds, with one volume each."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from octlib.data.file_format import Contents
from octlib.data.identities import without_name
from octlib.data.volume_format import (
    MAX_VOLUME,
    Volume,
    VolumeFormat,
    as_8_bit,
    columns_of,
    contents_of,
    numpy_with,
    own_copy,
    require_bytes,
    require_size,
    texts,
)
from octlib.preprocessing import pillow_warnings_ignored

# By suffix: the chunks that hold B-scans, with the structures of their heads, in oct-converter's order.
CHUNKS = {
    ".fda": {b"@IMG_JPEG": "oct_header", b"@IMG_MOT_COMP_03": "oct_header_2"},
    ".fds": {b"@IMG_SCAN_03": "oct_header"},
}
SPACINGS = {b"@PARAM_SCAN_04", b"@PARAM_SCAN_02"}
EYES = {0: "right", 1: "left"}


class Found(NamedTuple):
    """A file that was opened: oct-converter's reader, its structures, and the head of the B-scans."""

    reader: Any
    layout: Any
    chunk: bytes
    head: Any


class Topcon(VolumeFormat):
    """Reads Topcon's .fda and .fds by oct-converter. 8-bit values stay, others are scaled by the volume's largest."""

    suffixes = (".fda", ".fds")
    module, package, extra = "oct_converter", "oct-converter", "volumes"

    def look(self, path: Path) -> Contents:
        """Read patient, eye, the size of a pixel and the number of slices."""
        found = _find(path)
        reader, layout = found.reader, found.layout
        patient = eye = None
        if b"@PATIENT_INFO_02" in reader.chunk_dict:
            person = texts(layout.patient_info_02_header, _raw(path, reader, b"@PATIENT_INFO_02"))
            name = " ".join(person[part] for part in ("first_name", "last_name", "mid_name"))
            patient = without_name(person["patient_id"], name)
        for chunk in (b"@CAPTURE_INFO", b"@CAPTURE_INFO_02"):
            if chunk in reader.chunk_dict:
                eye = EYES.get(_raw(path, reader, chunk)[0])
        width = height = float("nan")
        if SPACINGS & set(reader.chunk_dict):
            width, _, height = reader.read_scan_params(found.head)
        columns = columns_of(eye=eye, height_mm=height, width_mm=width)
        return contents_of(found.head.number_slices, patient, columns)

    def decode(self, path: Path) -> Volume:
        """Decode all slices."""
        reader = _find(path).reader
        with pillow_warnings_ignored():
            if path.suffix.lower() == ".fda":
                return as_8_bit(reader.read_oct_data_chunk()[0])
            # What else the file says isn't asked for, and may stop the library where it was made anonymous.
            reader.read_scan_params = lambda _: None
            reader.read_all_metadata = lambda: {"capture_info": {"cap_date": (1, 1, 1)}}
            return as_8_bit(reader.read_oct_volume().volume)


def _find(path: Path) -> Found:
    suffix = path.suffix.lower()
    # oct-converter 0.7 reads bytes by fromstring, which numpy 2.3 refuses.
    numpy, images = numpy_with(fromstring=np.frombuffer), SimpleNamespace(open=_Opener())
    module = own_copy(f"oct_converter.readers.{suffix[1:]}", np=numpy, Image=images)
    layout = module.fda_binary if suffix == ".fda" else module.fds_binary
    with path.open("rb") as file:
        if file.read(4) != b"FOCT":
            raise ValueError("it is no file of a Topcon device")
    reader = (module.FDA if suffix == ".fda" else module.FDS)(path)
    chunk = next((name for name in CHUNKS[suffix] if name in reader.chunk_dict), None)
    if chunk is None:
        known = " or ".join(name.decode() for name in CHUNKS[suffix])
        raise ValueError(f"it has no B-scans that oct-converter reads, {known}")
    structure = getattr(layout, CHUNKS[suffix][chunk])
    head = structure.parse(_raw(path, reader, chunk, structure.sizeof()))
    require_size(head.number_slices, head.height, head.width)
    if chunk != b"@IMG_JPEG":
        there = int(reader.chunk_dict[chunk][1]) - structure.sizeof()
        require_bytes(2 * head.number_slices * head.height * head.width, there)
    return Found(reader, layout, chunk, head)


def _raw(path: Path, reader: Any, chunk: bytes, limit: int = 4096) -> bytes:
    place, size = reader.chunk_dict[chunk]
    with path.open("rb") as file:
        file.seek(int(place))
        return file.read(min(int(size), limit))


class _Opener:
    """Opens slices that are compressed, as long as they aren't larger than any volume."""

    def __init__(self) -> None:
        self._left = MAX_VOLUME

    def __call__(self, file: Any) -> Image.Image:
        image = Image.open(file)
        require_size(1, image.height, image.width)
        self._left -= image.width * image.height
        if self._left < 0:
            raise ValueError("its slices are larger together than those of any volume")
        return image
