"""VOL: what Heidelberg's HEYEX exports as raw data, one volume a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from octlib.data.file_format import Contents
from octlib.data.identities import without_name
from octlib.data.volume_format import (
    Volume,
    VolumeFormat,
    columns_of,
    contents_of,
    require_bytes,
    require_size,
)

HEADER = 2048  # bytes
EYES = {"OD": "right", "OS": "left"}


class Vol(VolumeFormat):
    """Reads Heidelberg's .vol by eyepy. Intensities are Heidelberg's own curve, 0 to 1, times 255."""

    suffixes = (".vol",)
    module, package, extra = "eyepy", "eyepy", "vol"

    def look(self, path: Path) -> Contents:
        """Read patient, eye, the size of a pixel and the number of slices. The file has no name of the patient."""
        header = _header(path)
        patient = without_name(header.patient_id.removeprefix("unknown"), "")  # what eyepy writes where there is none
        eye = EYES.get(header.scan_position.strip().upper())
        columns = columns_of(eye=eye, height_mm=header.scale_y, width_mm=header.scale_x)
        return contents_of(header.n_bscans, patient, columns)

    def decode(self, path: Path) -> Volume:
        """Decode all slices; what the device could not measure is black."""
        from eyepy.core.utils import from_vol_intensity
        from eyepy.io.he.vol_reader import HeVolReader

        _header(path)
        highest = np.finfo(np.float32).max  # stands for what wasn't measured
        return [
            np.asarray(from_vol_intensity(np.maximum(np.where(np.isfinite(each.data), each.data, highest), 0)))
            for each in HeVolReader(path).parsed_file.bscans
        ]


def _header(path: Path) -> Any:
    """Read the head of a file, and refuse it if it claims to hold more than it does."""
    from construct import Struct
    from eyepy.io.he.vol_reader import vol_format

    with path.open("rb") as file:
        raw = file.read(HEADER)
    if not raw.startswith((b"HSF-OCT", b"ep-v")):  # HEYEX, and eyepy itself
        raise ValueError("it is no .vol of HEYEX, which begin with HSF-OCT")
    header = Struct(*(field for field in vol_format.subcons if field.name not in ("localizer", "bscans"))).parse(raw)
    require_size(header.n_bscans, header.size_y, header.size_x)
    each = header.bscan_hdr_size + 4 * header.size_y * header.size_x
    needed = HEADER + header.size_x_slo * header.size_y_slo + header.n_bscans * each
    require_bytes(needed, path.stat().st_size)
    return header
