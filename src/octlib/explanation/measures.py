"""Measures: what is measured of many maps, as means beside chance, with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._bootstrap import bca_interval, bundle
from octlib.data.columns import number
from octlib.explanation.result import Explanation

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 1000
CONFIDENCE = 0.95
CHANCE = "_chance"  # behind the name of a measure: the column of its chance level


@dataclass(frozen=True, eq=False, repr=False)
class MapMeasures:
    """Measures of maps: means over all of them and by class, each beside chance.

    Attributes:
        maps: a row for each map that took part: position (in the explanation), name, patient, class (the one
            explained), then a column for each measure and, named ``pointing_chance`` and so on, for its chance level
            where it has one.
        definitions: what each measure is, by its name.
        about: of what maps, in words.
    """

    maps: pd.DataFrame
    definitions: Mapping[str, str]
    about: str

    @cached_property
    def values(self) -> dict[str, float]:
        """The mean of each measure; NaN where no map took part."""
        return {name: _mean(self.maps[name]) for name in self.definitions}

    @cached_property
    def chances(self) -> dict[str, float]:
        """What chance reaches; NaN where a measure has no such level, or no map took part."""
        return {name: _mean(self.maps.get(name + CHANCE)) for name in self.definitions}

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % intervals of the means over patients; NaN where there are fewer than two."""
        return {name: patient_interval(self.maps[name], self.maps["patient"]) for name in self.definitions}

    @property
    def n_maps(self) -> int:
        """How many maps took part."""
        return len(self.maps)

    def to_frame(self) -> pd.DataFrame:
        """Give the means as a table.

        Returns:
            A row for each measure of all maps (``class`` is empty), then one for each measure and class. Columns:
            measure, class, value, low, high, chance (float, NaN where undefined) and maps (int).
        """
        import pandas as pd

        rows = []
        classes = sorted(set(self.maps["class"]))
        for name in ("", *classes):
            maps = self.maps[self.maps["class"] == name] if name else self.maps
            for measure in self.definitions:
                low, high = patient_interval(maps[measure], maps["patient"])
                rows.append(
                    (measure, name, _mean(maps[measure]), low, high, _mean(maps.get(measure + CHANCE)), len(maps))
                )
        return pd.DataFrame(rows, columns=["measure", "class", "value", "low", "high", "chance", "maps"])

    def __repr__(self) -> str:
        """Show the means with their intervals as a table of text."""
        if not self.n_maps:
            return self._summary()
        cells = [self._header(), *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        ]
        return "\n".join([self._summary(), *lines, *self._meanings()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self._header())
        rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self._cells())
        table = f"<table><tr>{head}</tr>{rows}</table>" if self.n_maps else ""
        return f"<div>{escape(self._summary())}{table}<small>{escape(' '.join(self._meanings()))}</small></div>"

    def _summary(self) -> str:
        known = self.maps["patient"].notna().any()
        unit = "patients" if known else "scans, whose patients are unknown"
        intervals = f"; {100 * CONFIDENCE:.0f} % intervals over {unit}" if self.n_maps else ""
        return f"{self.n_maps} {'map' if self.n_maps == 1 else 'maps'} {self.about}{intervals}"

    def _header(self) -> Sequence[str]:
        return ("measure", "class", "mean", "chance", "maps")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                row["measure"],
                row["class"] or "all",
                show(row["value"], (row["low"], row["high"])),
                show(row["chance"]) or "-",
                str(row["maps"]),
            )
            for row in self.to_frame().to_dict("records")
        ]

    def _meanings(self) -> list[str]:
        return [f"{name}: {definition}." for name, definition in self.definitions.items()]


def describe_maps(explanation: Explanation, positions: Sequence[int]) -> dict[str, Any]:
    """Give the first columns of a table of maps: position, name, patient and the class explained.

    Args:
        explanation: the maps.
        positions: of those that take part.

    Returns:
        Columns by their names, each as long as the positions.
    """
    chosen = list(positions)
    scans = explanation.scans
    return {
        "position": np.array(chosen, dtype=np.int64),
        "name": scans.column("name")[chosen],
        "patient": scans.column("patient")[chosen],
        "class": np.array([explanation.targets[each] for each in chosen], dtype=object),
    }


def patient_interval(values: Any, patients: Any) -> tuple[float, float]:
    """Compute the 95 % interval of a mean, by the BCa bootstrap over patients, as ``octlib.evaluate`` does.

    Args:
        values: float (n,).
        patients: (n,) of str; ``None`` for a patient of whom nothing else is known.

    Returns:
        Low and high end, the same at every call; NaN where there are fewer than two patients.

    Example:
        >>> low, high = patient_interval(np.arange(20.0), [str(index // 2) for index in range(20)])
        >>> 5 < low < 9.5 < high < 14
        True
        >>> patient_interval(np.arange(3.0), ["a", "a", "a"])
        (nan, nan)
    """
    groups = number([patient if isinstance(patient, str) else None for patient in patients])
    n = int(groups.max()) + 1 if len(groups) else 0
    if n < 2:
        return float("nan"), float("nan")
    sums, counts = np.bincount(groups, np.asarray(values, dtype=float)), np.bincount(groups)
    drawn = np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    bundles = bundle(n)
    left_out = (sums.sum() - np.bincount(bundles, sums)) / (counts.sum() - np.bincount(bundles, counts))
    return bca_interval(sums.sum() / counts.sum(), means, left_out, CONFIDENCE)


def show(value: float, interval: tuple[float, float] | None = None) -> str:
    """Write a value with its interval, such as ``0.912 [0.880, 0.941]``; nothing where it is NaN.

    Example:
        >>> show(0.5), show(0.5, (0.4, 0.6)), show(float("nan"))
        ('0.500', '0.500 [0.400, 0.600]', '')
    """
    if np.isnan(value):
        return ""
    ends = "" if interval is None or np.isnan(interval[0]) else f" [{interval[0]:.3f}, {interval[1]:.3f}]"
    return f"{value:.3f}{ends}"


def _mean(values: Any) -> float:
    return float("nan") if values is None or not len(values) else float(np.mean(values))
