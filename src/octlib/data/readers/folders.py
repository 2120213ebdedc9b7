"""Folders: which reader a folder gets, by the layout that the user names or by what is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from octlib.data.naming import IMAGE_SUFFIXES
from octlib.data.readers.class_folders import read_class_folders
from octlib.data.readers.flat import read_flat
from octlib.data.readers.home import read_home
from octlib.data.readers.kermany import read_kermany
from octlib.data.readers.published_splits import read_published_splits
from octlib.data.readers.reading import Reading
from octlib.data.readers.tree import Folder, read_tree


def read_folder(path: Path, layout: str) -> Reading:
    """Read a folder of images.

    Args:
        path: an existing folder.
        layout: a key of ``FOLDER_LAYOUTS``.

    Returns:
        Its scans.

    Raises:
        ValueError: where there are no images, or not in this layout.
    """
    tree = read_tree(path)
    if not tree.count:
        raise ValueError(
            f"A folder of scans must hold images ({', '.join(IMAGE_SUFFIXES)}), and there are none in {path}. "
            "Understood are class folders (CLASS/image), published splits (train/CLASS/image), Kermany's downloads, "
            "a flat folder of images, and an OCTMNIST .npz file."
        )
    return FOLDER_LAYOUTS[layout](tree, path)


def _read_whatever(tree: Folder, root: Path) -> Reading:
    return read_home(tree, root) if tree.folders else read_flat(tree, root)


FOLDER_LAYOUTS: dict[str, Callable[[Folder, Path], Reading]] = {
    "auto": _read_whatever,
    "folders": read_class_folders,
    "splits": read_published_splits,
    "kermany": read_kermany,
    "flat": read_flat,
}
