"""Paths: image files that the user lists, without labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from octlib.data.naming import IMAGE_SUFFIXES, is_image, patient_of
from octlib.data.origins import FileScan
from octlib.data.readers.reading import Reading
from octlib.data.scan import Scan


def read_paths(paths: Sequence[str | os.PathLike[str]]) -> Reading:
    """Take image files in the order given; patients are read off Kermany's names.

    Args:
        paths: existing image files.

    Returns:
        Scans without labels, named relative to the folder that all files have in common.

    Raises:
        FileNotFoundError: where a file is missing.
        ValueError: where one is a folder or no image by its suffix.
    """
    files = [Path(path).expanduser() for path in paths]
    missing = [path for path in files if not path.exists()]
    if missing:
        raise FileNotFoundError(
            f"Every path must be a file that exists, and {len(missing)} of {len(files)} don't, such as {missing[0]}."
        )
    wrong = [path for path in files if path.is_dir() or not is_image(path.name)]
    if wrong:
        raise ValueError(
            f"Every path in a list must be an image ({', '.join(IMAGE_SUFFIXES)}), and {len(wrong)} of {len(files)} "
            f"aren't, such as {wrong[0]}. Load a folder by itself, not in a list."
        )
    common = Path(os.path.commonpath([path.absolute().parent for path in files]))
    return Reading(
        tuple(
            Scan(FileScan(path), path.absolute().relative_to(common).as_posix(), patient=patient_of(path.name))
            for path in files
        )
    )
