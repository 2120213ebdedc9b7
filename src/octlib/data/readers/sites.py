"""Sites: a folder for each clinic, with a data set of its own in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from octlib.data.columns import objects
from octlib.data.dataset import OctDataset
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.class_folders import stray_images
from octlib.data.readers.downloads import Downloads
from octlib.data.tree import Folder
from octlib.errors import LayoutError


class Sites(Reader):
    """Takes every folder in the source for a site, whose patients are other people than those of the next."""

    layout = "sites"
    takes = Folder

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read ``SITE/CLASS/...image`` or ``SITE/train/CLASS/...image``.

        Returns:
            The scans of all sites, with a column site; patient 12 of site a is ``"a/12"``. The classes are those of all
            sites together, sorted.

        Raises:
            LayoutError: if there are no folders, or one of them holds no data set or several.
        """
        if not source.folders:
            raise LayoutError(f"Folders of sites must be in {source.path}, and there are images only.")
        found = [(folder, Downloads().read(folder, wanted)) for folder in source.folders]
        classes = sorted({name for _, reading in found for name in reading.dataset.class_names})
        first, *others = (_of_site(folder, reading.dataset.with_class_names(classes)) for folder, reading in found)
        for other in others:
            first = first.concat(other)
        strays = stray_images(source)
        return Reading(first, (*strays, *(warning for _, reading in found for warning in reading.warnings)))


def _of_site(folder: Folder, scans: OctDataset) -> OctDataset:
    people = [None if patient is None else f"{folder.name}/{patient}" for patient in scans.column("patient")]
    return replace(
        scans,
        names=objects([f"{folder.path.name}/{name}" for name in scans.names]),
        patients=objects(people),
        columns=dict(scans.columns) | {"site": np.full(len(scans), folder.name, dtype=object)},
    )
