"""Rows: features that lie in several shards, in the order of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class StoredRows:
    """Features as a table that is read row by row; as much of an array as training needs.

    Args:
        shards: arrays (rows, features), in memory or memory-mapped.
        places: int (n, 2): for each row its shard and the row there.
        n_features: length of a row.
    """

    shards: tuple[NDArray[Any], ...]
    places: NDArray[np.int64]
    n_features: int

    @property
    def shape(self) -> tuple[int, int]:
        """(n, features)."""
        return len(self.places), self.n_features

    @property
    def nbytes(self) -> int:
        """Bytes of all rows as float32."""
        return 4 * len(self.places) * self.n_features

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.places)

    def __getitem__(self, chosen: Any) -> NDArray[np.float32]:
        """Read rows.

        Args:
            chosen: positions, a slice or truth values, as for an array.

        Returns:
            float32 (chosen, features).
        """
        places = self.places[chosen]
        features = np.empty((len(places), self.n_features), np.float32)
        order = np.argsort(places[:, 0], kind="stable")  # each shard once, however many there are
        shards, starts = np.unique(places[order, 0], return_index=True)
        for shard, here in zip(shards, np.split(order, starts)[1:], strict=True):
            features[here] = self.shards[shard][places[here, 1]]
        return features


@dataclass(frozen=True, eq=False, repr=False)
class JoinedRows(StoredRows):
    """Features of several backbones side by side, each read where it lies.

    Args:
        parts: of each backbone, for the same scans in the same order.
    """

    parts: tuple[StoredRows, ...] = ()

    @classmethod
    def of(cls, parts: Sequence[StoredRows]) -> JoinedRows:
        """Join them."""
        return cls((), parts[0].places, sum(part.n_features for part in parts), tuple(parts))

    def __getitem__(self, chosen: Any) -> NDArray[np.float32]:
        """Read rows; see ``StoredRows``."""
        return np.concatenate([part[chosen] for part in self.parts], axis=1)
