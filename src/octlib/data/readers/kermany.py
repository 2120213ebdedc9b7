"""Kermany: the OCT scans of Mendeley rscbjbr9sj, as v2, v3 and Kaggle publish them."""

from __future__ import annotations

from octlib.data.naming import KERMANY_CLASSES
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.downloads import Downloads
from octlib.data.tree import Folder
from octlib.errors import LayoutError


class Kermany(Reader):
    """Reads Kermany's scans wherever they lie below a folder; the classes are always CNV, DME, DRUSEN and NORMAL.

    That is ``OCT2017/{train,test}/CLASS/`` (v2), ``CellData/OCT/{train,test}/CLASS/`` beside X-rays (v3), or
    ``"OCT2017 "/{train,val,test}/CLASS/`` with a second copy in ``oct2017/`` (Kaggle); one split alone will do.
    """

    layout = "kermany"
    takes = Folder

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read the scans.

        Raises:
            LayoutError: if there are other classes, several data sets, or none.
        """
        dataset, warnings = Downloads().read(source, wanted)
        if not dataset.class_names or not set(dataset.class_names) <= set(KERMANY_CLASSES):
            raise LayoutError(
                f"Kermany's class folders must be among {', '.join(KERMANY_CLASSES)}, and {source.path} has "
                f"{', '.join(dataset.class_names) or 'none'}.",
                "Choose layout='folders' for other classes.",
            )
        return Reading(dataset.with_class_names(KERMANY_CLASSES), warnings)
