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
        return _gathered(scan, np.arange(self.height)[:, None] + self.first)

    def put_back(self, image: NDArray[Any], height: int) -> NDArray[Any]:
        """Move them back: (``self.height``, width) to (``height``, width), 0 where rows were left out.

        Example:
            >>> Shift(np.array([1, 0]), 2).put_back(np.array([[3, 2], [0, 4]]), 2)
            array([[0, 2],
                   [3, 4]])
        """
        return _gathered(image, np.arange(height)[:, None] - self.first)


def _gathered(image: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[Any]:
    inside = (rows >= 0) & (rows < len(image))
    taken = np.take_along_axis(image, np.clip(rows, 0, len(image) - 1), axis=0)
    taken[~inside] = 0
    return taken
