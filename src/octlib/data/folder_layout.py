"""Folder layout: what the readers of layouts that are told by their folders have in common."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from octlib.data.locating import holds_only, left_out, locate_places
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.tree import Folder
from octlib.errors import LayoutError


class FolderLayout(Reader):
    """Reads one layout wherever it lies below a folder; second copies and images outside of it are left out.

    Attributes:
        form: what a folder of the layout holds, for the error where none does.
    """

    takes = Folder
    form: ClassVar[str]

    @abstractmethod
    def place(self, folder: Folder) -> Folder | None:
        """Give of a folder what belongs to a data set of the layout that begins in it; ``None`` where none does."""

    @abstractmethod
    def read_place(self, place: Folder, root: Path, wanted: Wanted) -> Reading:
        """Read what ``place`` gave; names of scans are relative to ``root``."""

    def matches(self, source: object) -> bool:
        """Match a folder that holds the layout, and no data set of another one."""
        return isinstance(source, Folder) and holds_only(source, self.place)

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read the scans.

        Raises:
            LayoutError: if the layout isn't there, or is there several times with other scans.
        """
        located = locate_places(source, self.place)
        if located is None:
            raise LayoutError(
                f"The layout {self.layout!r} must be {self.form}, and there is nothing like it in {source.path}.",
                "Leave layout= out.",
            )
        dataset, warnings = self.read_place(located.folder, source.path, wanted)
        return Reading(dataset, (*warnings, *left_out(source, located)))
