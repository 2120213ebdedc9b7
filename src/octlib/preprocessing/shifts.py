"""Shifts: columns of a scan moved up or down, and what came of it moved back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shift:
    """Which rows of a scan a step keeps, column by column.

    Args:
        first: int (width,): the row of the scan that becomes each column's first one; it may lie outside of the scan.
        height: of the result, in rows.
    """

    first: NDArray[np.intp]
    height: int

    def take(self, scan: NDArray[Any]) -> NDArray[Any]:
        """Move the columns: (height, width) to (``self.height``, width), 0 where the scan has no such row.

        Example:
            >>> Shift(np.array([1, 0]), 2).take(np.array([[1, 2], [3, 4]]))
            array([[3, 2],
                   [0, 4]])
        """
        return _moved(scan, self.first, self.height)

    def put_back(self, image: NDArray[Any], height: int) -> NDArray[Any]:
        """Move them back: (``self.height``, width) to (``height``, width), 0 where rows were left out.

        Example:
            >>> Shift(np.array([1, 0]), 2).put_back(np.array([[3, 2], [0, 4]]), 2)
            array([[0, 2],
                   [3, 4]])
        """
        return _moved(image, -self.first, height)


def _moved(image: NDArray[Any], first: NDArray[np.intp], height: int) -> NDArray[Any]:
    moved = np.zeros((height, image.shape[1]), image.dtype)
    for row in np.unique(first):  # far fewer than columns, and faster than an index for each pixel
        columns = np.flatnonzero(first == row)
        start, stop = max(row, 0), min(row + height, len(image))
        if start < stop:
            moved[start - row : stop - row, columns] = image[start:stop, columns]
    return moved
