"""Readers: one module for each layout of scans, from class folders to arrays."""

from __future__ import annotations

from octlib.data.readers.arrays import read_arrays
from octlib.data.readers.folders import FOLDER_LAYOUTS, read_folder
from octlib.data.readers.octmnist import read_octmnist
from octlib.data.readers.paths import read_paths
from octlib.data.readers.phantom_scans import read_phantoms
from octlib.data.readers.reading import Reading

__all__ = [
    "FOLDER_LAYOUTS",
    "Reading",
    "read_arrays",
    "read_folder",
    "read_octmnist",
    "read_paths",
    "read_phantoms",
]
