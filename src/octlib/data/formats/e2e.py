"""E2E: what Heidelberg's HEYEX exports, with any number of volumes, eyes and patients in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.data.eyes import eye_of
from octlib.data.file_format import MAX_FRAMES, Contents
from octlib.data.identities import without_name
from octlib.data.volume_format import (
    MAX_VOLUME,
    Volume,
    VolumeFormat,
    columns_of,
    contents_of,
    numpy_with,
    own_copy,
    refuse,
    require_bytes,
    require_size,
    texts,
)

MAX_DIRECTORIES = 10_000
PATIENT = 9  # the type of the chunks that say who was scanned


class E2e(VolumeFormat):
    """Reads Heidelberg's .e2e by oct-converter. Intensities are Heidelberg's own curve, 0 to 1, times 255."""

    suffixes = (".e2e",)
    module, package, extra = "oct_converter", "oct-converter", "volumes"

    def look(self, path: Path) -> Contents:
        """Find volumes, patients, eyes and the height of a pixel. The library passes over all pixels for it."""
        patients = _patients(path)
        found = _volumes(path, lambda values: np.broadcast_to(np.uint8(0), values.shape))
        volumes = tuple(_contents(volume, patients) for volume in found)
        if len(volumes) == 1:
            return volumes[0]
        n = sum(volume.frames or 1 for volume in volumes)
        if n > MAX_FRAMES:
            raise ValueError(f"it has {n:,} slices, and the largest file may have {MAX_FRAMES:,}")
        return Contents(n, volumes=volumes)

    def decode(self, path: Path) -> Volume:
        """Decode all volumes, one behind the other."""
        _patients(path)
        found = _volumes(path, lambda values: np.rint(255 * values).astype(np.uint8))
        return [slice_ for volume in found for slice_ in volume.volume]


def _volumes(path: Path, finish: Callable[[NDArray[Any]], NDArray[np.uint8]]) -> list[Any]:
    # What the library only warns of is a slice that is cut off and would be left out; an anonymous file's date is none.
    undated = SimpleNamespace(gmtime=lambda _: None, mktime=lambda _: 0.0)
    warned, numpy = SimpleNamespace(warn=refuse), numpy_with(fromfile=_pixels)
    module = own_copy("oct_converter.readers.e2e", warnings=warned, time=undated, np=numpy)
    reader = module.E2E(path)
    curve, left = reader.vol_intensity_transform, min(path.stat().st_size // 2, MAX_VOLUME)

    def convert(values: NDArray[Any]) -> NDArray[np.uint8]:
        nonlocal left
        left -= values.size
        if left < 0:  # the same pixels, over and over
            raise ValueError("it says that it has more pixels than fit into it")
        return finish(curve(values))

    reader.vol_intensity_transform = convert
    found: list[Any] = reader.read_oct_volume()
    if not found:
        raise ValueError("it holds no B-scans")
    return found


def _pixels(file: Any, dtype: type[np.generic], count: int) -> NDArray[Any]:
    require_size(1, count, 1)  # before memory is asked for
    return np.fromfile(file, dtype=dtype, count=count)


def _contents(volume: Any, patients: dict[str, str | None]) -> Contents:
    heights = {each["scaley"] for each in volume.metadata["bscan_data"]}
    columns = columns_of(eye=eye_of(volume.laterality), height_mm=heights.pop() if len(heights) == 1 else np.nan)
    return contents_of(len(volume.volume), patients.get(volume.volume_id.split("_")[0]), columns)


def _patients(path: Path) -> dict[str, str | None]:
    """Find the patients by their numbers in the file, and refuse directories that have no end.

    oct-converter gives all volumes the last patient of the file, and goes round in directories for ever.
    """
    from oct_converter.readers.binary_structs import e2e_binary as layout

    patients: dict[str, str | None] = {}
    seen: set[int] = set()
    size, entries = path.stat().st_size, 0
    with path.open("rb") as file:
        skip = 64 if file.read(21) == b"E2EMultipleVolumeFile" else 0
        file.seek(skip + 36)
        place = layout.main_directory_structure.parse(file.read(52)).current
        while place:
            if place in seen or len(seen) >= MAX_DIRECTORIES:
                raise ValueError("its directories have no end")
            seen.add(place)
            file.seek(skip + place)
            directory = layout.main_directory_structure.parse(file.read(52))
            entries += directory.num_entries
            require_bytes(44 * entries, size)
            table = file.read(44 * directory.num_entries)
            for start in range(0, 44 * directory.num_entries, 44):
                entry = layout.sub_directory_structure.parse(table[start : start + 44])
                if entry.slice_id > 2 * MAX_FRAMES:
                    raise ValueError(f"it says that it has a slice {entry.slice_id // 2:,}, which no volume has")
                if entry.type == PATIENT and entry.start > entry.pos:
                    file.seek(skip + entry.start + 60)
                    person = texts(layout.patient_id_structure, file.read(127))
                    name = f"{person['first_name']} {person['surname']}"
                    patients[str(entry.patient_db_id)] = without_name(person["patient_id"], name)
            place = directory.prev
    return patients
