"""Sites: a folder for each clinic, with a data set of its own in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from octlib.data.columns import is_missing, objects
from octlib.data.dataset import OctDataset
from octlib.data.folder_layout import FolderLayout
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers import all_readers
from octlib.data.readers.class_folders import stray_images
from octlib.data.readers.downloads import Downloads
from octlib.data.tree import Folder
from octlib.errors import LayoutError


class Sites(Reader):
    """Takes every folder in the source for a site, whose patients are other people than those of the next."""

    layout = "sites"
    takes = Folder
    patients_within = "site"

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read ``SITE/CLASS/...image``, ``SITE/train/CLASS/...image``, or the download of a published set in each.

        Returns:
            The scans of all sites, with a column site and all columns that a site has. The classes are those of all
            sites together, sorted.

        Raises:
            LayoutError: if there are no folders, or one of them holds no data set or several.
        """
        if not source.folders:
            raise LayoutError(f"Folders of sites must be in {source.path}, and there are images only.")
        found = [(folder, _reader_of(folder).read(folder, wanted)) for folder in source.folders]
        classes = sorted({name for _, reading in found for name in reading.dataset.class_names})
        first, *others = (_of_site(folder, reading.dataset, classes) for folder, reading in found)
        for other in others:
            first = first.concat(other)
        strays = stray_images(source)
        return Reading(first, (*strays, *(warning for _, reading in found for warning in reading.warnings)))


def _reader_of(folder: Folder) -> Reader:
    matching = [each for each in all_readers() if isinstance(each, FolderLayout) and each.matches(folder)]
    return matching[0] if len(matching) == 1 else Downloads()


def _of_site(folder: Folder, scans: OctDataset, classes: Sequence[str]) -> OctDataset:
    columns = dict(scans.columns) | {"site": np.full(len(scans), folder.name, dtype=object)}
    if "volume" in columns:  # one of the same name at another site is another volume
        volumes = [None if is_missing(volume) else f"{folder.name}/{volume}" for volume in columns["volume"]]
        columns["volume"] = objects(volumes)
    if scans.labels is None and classes:
        scans = replace(scans, labels=np.full(len(scans), -1), class_names=tuple(classes))
    named = scans.with_class_names(classes) if classes else scans
    return replace(named, names=objects([f"{folder.path.name}/{name}" for name in scans.names]), columns=columns)
