"""Origin columns: where the pixels of many scans come from, in a few bytes a scan."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from octlib.archives import Archive
from octlib.data.origins import ArrayScan, FileScan, Origin, PhantomScan

Places = NDArray[np.int64] | slice


class Origins(Protocol):
    """What every column of origins offers."""

    def __len__(self) -> int:
        """How many scans there are."""

    def __getitem__(self, place: int, /) -> Origin:
        """Make the origin of one scan."""

    def take(self, places: Places) -> Origins:
        """Choose scans by their places."""

    def paths(self) -> NDArray[np.object_]:
        """Give the files as object (n,) of str, ``None`` where a scan has none of its own."""

    def stacks(self) -> NDArray[np.object_]:
        """Give the files that hold several scans, likewise; ``None`` where a scan is alone in its file."""


@dataclass(frozen=True, eq=False)
class FileOrigins:
    """Scans in files.

    Args:
        files: object (n,) of str.
        frames: int64 (n,), which scan of its file each one is, -1 where it is the only one; ``None`` if all are.
        archives: those that paths go through, by the beginnings of these paths, as they were when loaded.
    """

    files: NDArray[np.object_]
    frames: NDArray[np.int64] | None = None
    archives: Mapping[str, Archive] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> FileScan:
        frame = -1 if self.frames is None else int(self.frames[place])
        file = self.files[place]
        archive = next(
            (each for start, each in self.archives.items() if file.startswith((f"{start}/", start + os.sep))), None
        )
        return FileScan(Path(file), None if frame < 0 else frame, archive)

    def take(self, places: Places) -> FileOrigins:
        """Choose files by their places."""
        return replace(self, files=self.files[places], frames=None if self.frames is None else self.frames[places])

    def paths(self) -> NDArray[np.object_]:
        """Give the files themselves."""
        return self.files

    def stacks(self) -> NDArray[np.object_]:
        """Give the files of slices."""
        found = _nothing(len(self))
        return found if self.frames is None else np.where(self.frames < 0, found, self.files)


@dataclass(frozen=True, eq=False)
class ArrayOrigins:
    """Scans in one array, or in one list of arrays.

    Args:
        images: uint8 (m, height, width[, 1 or 3]), or m images of any sizes.
        indices: int64 (n,), which of them.
    """

    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> ArrayScan:
        return ArrayScan(self.images, int(self.indices[place]))

    def take(self, places: Places) -> ArrayOrigins:
        """Choose images by their places; no pixel is copied."""
        return ArrayOrigins(self.images, self.indices[places])

    def paths(self) -> NDArray[np.object_]:
        """Give ``None`` for each."""
        return _nothing(len(self))

    def stacks(self) -> NDArray[np.object_]:
        """Give ``None`` for each."""
        return _nothing(len(self))


@dataclass(frozen=True, eq=False)
class PhantomOrigins:
    """Synthetic scans.

    Args:
        specs: object (n,) of ``PhantomSpec``.
    """

    specs: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.specs)

    def __getitem__(self, place: int) -> PhantomScan:
        return PhantomScan(self.specs[place])

    def take(self, places: Places) -> PhantomOrigins:
        """Choose phantoms by their places."""
        return PhantomOrigins(self.specs[places])

    def paths(self) -> NDArray[np.object_]:
        """Give ``None`` for each."""
        return _nothing(len(self))

    def stacks(self) -> NDArray[np.object_]:
        """Give ``None`` for each."""
        return _nothing(len(self))


@dataclass(frozen=True, eq=False)
class MixedOrigins:
    """Scans of several columns, in any order.

    Args:
        columns: where they are.
        which: int64 (n,), the number of each scan's column.
        places: int64 (n,), its place there.
    """

    columns: tuple[Origins, ...]
    which: NDArray[np.int64]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, place: int) -> Origin:
        column = self.columns[int(self.which[place])]
        return column[int(self.places[place])]

    def take(self, places: Places) -> MixedOrigins:
        """Choose scans by their places; what is chosen doesn't hold on to the rest."""
        which, old = self.which[places], self.places[places]
        new, columns = np.empty_like(old), []
        for number, column in enumerate(self.columns):
            chosen = which == number
            columns.append(column.take(old[chosen]))
            new[chosen] = np.arange(chosen.sum())
        return MixedOrigins(tuple(columns), which, new)

    def paths(self) -> NDArray[np.object_]:
        """Give the files of all columns, each at its scan's place."""
        return self._gathered([column.paths() for column in self.columns])

    def stacks(self) -> NDArray[np.object_]:
        """Give the files of slices likewise."""
        return self._gathered([column.stacks() for column in self.columns])

    def _gathered(self, columns: Sequence[NDArray[np.object_]]) -> NDArray[np.object_]:
        found = _nothing(len(self))
        for number, column in enumerate(columns):
            chosen = self.which == number
            found[chosen] = column[self.places[chosen]]
        return found


def join_origins(first: Origins, second: Origins) -> Origins:
    """Put one column of origins behind the other, in one column of their kind where that is possible."""
    if isinstance(first, FileOrigins) and isinstance(second, FileOrigins) and _agree(first.archives, second.archives):
        frames = None
        if first.frames is not None or second.frames is not None:
            parts = [np.full(len(each), -1) if each.frames is None else each.frames for each in (first, second)]
            frames = np.concatenate(parts)
        return FileOrigins(np.concatenate([first.files, second.files]), frames, {**first.archives, **second.archives})
    if isinstance(first, ArrayOrigins) and isinstance(second, ArrayOrigins) and first.images is second.images:
        return ArrayOrigins(first.images, np.concatenate([first.indices, second.indices]))
    if isinstance(first, PhantomOrigins) and isinstance(second, PhantomOrigins):
        return PhantomOrigins(np.concatenate([first.specs, second.specs]))
    which = np.repeat(np.arange(2), [len(first), len(second)])
    places = np.concatenate([np.arange(len(first)), np.arange(len(second))])
    return MixedOrigins((first, second), which, places)


def _agree(first: Mapping[str, Archive], second: Mapping[str, Archive]) -> bool:
    """Say whether no archive has changed between one loading and the other."""
    return all(first[name].stamp == second[name].stamp for name in first.keys() & second.keys())


def _nothing(n: int) -> NDArray[np.object_]:
    return np.full(n, None, dtype=object)
