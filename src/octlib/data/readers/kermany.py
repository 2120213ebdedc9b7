"""Kermany: the OCT scans of Mendeley rscbjbr9sj, as v2, v3 and Kaggle publish them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from octlib.data.naming import KERMANY_CLASSES
from octlib.data.readers.home import read_home
from octlib.data.readers.reading import Reading
from octlib.data.readers.tree import Folder


def read_kermany(folder: Folder, root: Path) -> Reading:
    """Read Kermany's scans wherever they lie below a folder.

    That is ``OCT2017/{train,test}/CLASS/`` (v2), ``CellData/OCT/{train,test}/CLASS/`` beside X-rays (v3), or
    ``"OCT2017 "/{train,val,test}/CLASS/`` with a second copy in ``oct2017/`` (Kaggle); one split alone will do.

    Args:
        folder: everything below the folder that the user named.
        root: that folder, which the names of the scans are relative to.

    Returns:
        Its scans; the classes are always CNV, DME, DRUSEN and NORMAL.

    Raises:
        ValueError: where there are other classes, several data sets, or none.
    """
    reading = read_home(folder, root)
    if not reading.class_names or not set(reading.class_names) <= set(KERMANY_CLASSES):
        raise ValueError(
            f"Kermany's class folders must be among {', '.join(KERMANY_CLASSES)}, and {root} has "
            f"{', '.join(reading.class_names) or 'none'}. Choose layout='folders' for other classes."
        )
    return replace(reading, class_names=KERMANY_CLASSES)
