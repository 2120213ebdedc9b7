"""Result: an explanation, its overlays and its picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from octlib.data import OctDataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRONGEST_TINT = 0.6  # share of colour where the map is 1; where it is 0, the scan shows as it is
PLOTTED = 16
COLUMNS = 4


@dataclass(frozen=True, eq=False)
class Explanation:
    """What ``octlib.explain`` returns.

    A map says where the classifier found support for a class; it does not say that there is disease.

    Attributes:
        heatmaps: float32 (n, height, width) in [0, 1], at the classifier's image size.
        targets: for which class each map speaks.
        scans: what was explained.
        method: by which method.
        layer: at which layer; ``None`` is the last map.
    """

    heatmaps: np.ndarray = field(repr=False)
    targets: tuple[str, ...] = field(repr=False)
    scans: OctDataset = field(repr=False)
    method: str
    layer: str | None

    @property
    def has_signal(self) -> np.ndarray:
        """bool (n,): whether a map is more than one constant."""
        return np.asarray(np.ptp(self.heatmaps, axis=(1, 2)) > 0)

    def overlay(self, index: int) -> np.ndarray:
        """Lay one map over its scan.

        Args:
            index: of the scan.

        Returns:
            uint8 (scan height, scan width, 3), RGB, at the scan's own size.
        """
        from matplotlib import colormaps

        scan = self.scans[index].read()
        height, width = scan.shape
        heat = np.asarray(Image.fromarray(self.heatmaps[index]).resize((width, height), Image.Resampling.BICUBIC))
        heat = np.clip(heat, 0, 1)
        colour = 255 * colormaps["turbo"](heat)[:, :, :3]
        share = STRONGEST_TINT * heat[:, :, None]
        return np.asarray(np.rint((1 - share) * scan[:, :, None] + share * colour), np.uint8)

    def overlays(self) -> list[np.ndarray]:
        """Lay each map over its scan: uint8 (scan height, scan width, 3), RGB, at each scan's own size."""
        return [self.overlay(index) for index in range(len(self.targets))]

    def plot(self) -> np.ndarray:
        """Show the overlays, sixteen at most, with the class each map speaks for and the true one where it is known.

        Returns:
            The axes drawn on, in an array.
        """
        import matplotlib.pyplot as plt

        shown = min(len(self.targets), PLOTTED)
        columns = min(shown, COLUMNS)
        rows = -(-shown // columns)
        figure, axes = plt.subplots(
            rows, columns, figsize=(3 * columns, 2.7 * rows), squeeze=False, layout="constrained"
        )
        for axis in axes.flat:
            axis.set_axis_off()
        for index, axis in enumerate(axes.flat[:shown]):
            self._draw(index, axis)
        hidden = len(self.targets) - shown
        figure.suptitle(
            f"{self.method}, {self.layer or 'last map'}" + (f" ({hidden} more not shown)" if hidden else "")
        )
        return np.asarray(axes)

    def _draw(self, index: int, axis: Axes) -> None:
        axis.imshow(self.overlay(index))
        true = self.scans[index].label
        title = f"for {self.targets[index]}" + (f", truly {true}" if true is not None else "")
        axis.set_title(title if self.has_signal[index] else f"{title}: no signal", fontsize="medium")

    def __repr__(self) -> str:
        """Say what it is in one line."""
        height, width = self.heatmaps.shape[1:]
        counts = ", ".join(f"{name} {self.targets.count(name)}" for name in sorted(set(self.targets)))
        layer = self.layer or "last map"
        return (
            f"Explanation({len(self.targets)} maps of {height} x {width} by {self.method} at the {layer}; for {counts})"
        )

    def _repr_html_(self) -> str:
        """Show the line in a notebook; ``plot`` shows the maps."""
        from html import escape

        return f"<code>{escape(repr(self))}</code>"
