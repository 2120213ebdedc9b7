"""Inspection: what the pixels and the names of a dataset's scans say, before hours are spent on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from octlib.data.dataset import OctDataset
from octlib.data.patients import shared_patients
from octlib.data.scan import Scan
from octlib.data.threads import in_threads
from octlib.errors import UnreadableScanError
from octlib.preprocessing import why_unreadable


@dataclass(frozen=True)
class Inspection:
    """What ``inspect_scans`` found.

    Attributes:
        sizes: how many scans there are of each (height, width) in pixels, the most frequent first.
        unreadable: the scans that can't be read, in their order, each with the reason.
        shared_patients: for each two published splits that share somebody, the number of shared patients.
    """

    sizes: Mapping[tuple[int, int], int]
    unreadable: tuple[tuple[Scan, str], ...]
    shared_patients: Mapping[tuple[str, str], int]


def inspect_scans(scans: OctDataset, *, progress: bool | None = None) -> Inspection:
    """Read every scan of a dataset, and say which sizes there are, which can't be read, and who is in two splits.

    Args:
        scans: the dataset.
        progress: whether to draw a bar; ``None`` draws one where somebody can watch.

    Returns:
        The findings; nothing that is wrong with a scan is an error here.

    Example:
        >>> import octlib, numpy as np
        >>> inspect_scans(octlib.load_oct_dataset(np.zeros((3, 496, 512), np.uint8))).sizes
        {(496, 512): 3}
    """
    found = list(in_threads(_size_or_reason, scans, title="Reading scans", show=progress))
    sizes = Counter(size for size in found if not isinstance(size, str))
    failures = ((scan, why) for scan, why in zip(scans, found, strict=True) if isinstance(why, str))
    return Inspection(dict(sizes.most_common()), tuple(failures), shared_patients(scans))


def _size_or_reason(scan: Scan) -> tuple[int, int] | str:
    try:
        height, width = scan.read().shape
    except UnreadableScanError as error:
        return why_unreadable(error)
    return height, width
