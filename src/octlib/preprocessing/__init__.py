"""Preprocessing: everything that happens to a scan outside the graph, from the file to the resized grey values."""

from __future__ import annotations

from octlib.preprocessing.contrast import normalise_contrast
from octlib.preprocessing.cropping import crop_retina
from octlib.preprocessing.flattening import flatten_retina
from octlib.preprocessing.pillow_warnings import pillow_warnings_ignored
from octlib.preprocessing.pipeline import STEPS, Preprocessing, as_preprocessing
from octlib.preprocessing.reading import as_grey, check_images, errors_of_scan, read_scan, why_unreadable
from octlib.preprocessing.resizing import resize_scan
from octlib.preprocessing.retina import Retina, find_retina
from octlib.preprocessing.sizes import as_size
from octlib.preprocessing.wedges import blank_wedges

__all__ = [
    "STEPS",
    "Preprocessing",
    "Retina",
    "as_grey",
    "as_preprocessing",
    "as_size",
    "blank_wedges",
    "check_images",
    "crop_retina",
    "errors_of_scan",
    "find_retina",
    "flatten_retina",
    "normalise_contrast",
    "pillow_warnings_ignored",
    "read_scan",
    "resize_scan",
    "why_unreadable",
]
