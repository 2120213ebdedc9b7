"""Result: an explanation, its overlays and its picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from octlib.data import OctDataset, Scan
from octlib.preprocessing import Preprocessing

STRONGEST_TINT = 0.6  # share of colour where the map is 1; where it is 0, the scan shows as it is
PLOTTED = 16
COLUMNS = 4
OF_THE_SCAN = ("occlusion", "integrated_gradients")  # methods that look at no layer
KEY = "Red speaks most for the class, blue least."


@dataclass(frozen=True, eq=False)
class Explanation:
    """What ``octlib.explain`` returns.

    A map says where the classifier found support for a class; it does not say that there is disease.

    Attributes:
        heatmaps: float32 (n, height, width) in [0, 1], at the classifier's image size.
        targets: the class explained, for which each map speaks.
        predicted: the class predicted for each scan, whatever was explained.
        scans: what was explained.
        method: by which method.
        layer: the layer asked for, or several, over which the maps were averaged; ``None`` is what suits the method.
        backbone: of which of several backbones; ``None`` is of all.
        preprocessing: the classifier's, by which maps find their place on the scans; ``None`` stretches them.
        against: the class that the one explained was told from, for each scan; ``None`` where there is none.
        smooth: over how many noisy copies of each scan the maps were averaged; 0 is the scan as it is.
        flips: whether the maps are means over each scan and its mirror image.
        places: at which layers the maps were made, where ``layer`` is ``None``; nothing stands for the last map, or for
            the scan where the method looks at that.
    """

    heatmaps: np.ndarray = field(repr=False)
    targets: tuple[str, ...] = field(repr=False)
    predicted: tuple[str, ...] = field(repr=False)
    scans: OctDataset = field(repr=False)
    method: str
    layer: str | tuple[str, ...] | None
    backbone: str | None = None
    preprocessing: Preprocessing | None = field(default=None, repr=False)
    against: tuple[str, ...] | None = field(default=None, repr=False)
    smooth: int = 0
    flips: bool = False
    places: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """What each map speaks for, in words: the class, and the one that it was told from."""
        if self.against is None:
            return self.targets
        return tuple(f"{one} against {other}" for one, other in zip(self.targets, self.against, strict=True))

    @property
    def place(self) -> str:
        """Where the maps were made, in words: the layer or layers and, of several, the backbone asked."""
        layers = (self.layer,) if isinstance(self.layer, str) else self.layer or self.places
        last = "scan" if self.method in OF_THE_SCAN else "last map"
        where = " and ".join(filter(None, (", ".join(layers[:-1]), *layers[-1:]))) or last
        return where + (f" of {self.backbone}" if self.backbone else "")

    @property
    def has_signal(self) -> np.ndarray:
        """bool (n,): whether a map is more than one constant."""
        return np.asarray(np.ptp(self.heatmaps, axis=(1, 2)) > 0)

    def overlay(self, index: int) -> np.ndarray:
        """Lay one map over its scan.

        Where the classifier shifts or crops scans, the map is shifted back; what it has not seen stays grey.

        Args:
            index: of the scan.

        Returns:
            uint8 (scan height, scan width, 3), RGB, at the scan's own size.
        """
        return _lay_over(self.scans[index], self.heatmaps[index], self.preprocessing)

    def overlays(self) -> list[np.ndarray]:
        """Lay each map over its scan: uint8 (scan height, scan width, 3), RGB, at each scan's own size."""
        pairs = zip(self.scans, self.heatmaps, strict=True)
        return [_lay_over(scan, heatmap, self.preprocessing) for scan, heatmap in pairs]

    def plot(self) -> np.ndarray:
        """Show the overlays, sixteen at most, with the classes explained, predicted and, where it is known, true.

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
        for index, (scan, axis) in enumerate(zip(self.scans.subset(range(shown)), axes.flat, strict=False)):
            axis.imshow(_lay_over(scan, self.heatmaps[index], self.preprocessing))
            axis.set_title(self._title(index, scan), fontsize="small")
        hidden = len(self.targets) - shown
        more = f" ({hidden} more not shown)" if hidden else ""
        figure.suptitle(f"{self.method}, {self.place}{self._smoothed}{more}")
        figure.supxlabel(KEY, fontsize="small")
        return np.asarray(axes)

    def _title(self, index: int, scan: Scan) -> str:
        target, predicted = self.targets[index], self.predicted[index]
        title = f"for {self.asked[index]} (predicted{'' if target == predicted else f' {predicted}'})"
        title += "" if scan.label is None else f", truly {scan.label}"
        return title if np.ptp(self.heatmaps[index]) > 0 else f"{title}: no signal"

    @property
    def _smoothed(self) -> str:
        return f", over {self.smooth} noisy copies" if self.smooth else ""

    def __repr__(self) -> str:
        """Say what it is in one line."""
        height, width = self.heatmaps.shape[1:]
        counts = ", ".join(f"{name} {self.asked.count(name)}" for name in sorted(set(self.asked)))
        maps = f"{len(self.targets)} maps of {height} x {width}"
        return f"Explanation({maps} by {self.method} at the {self.place}{self._smoothed}; for {counts})"

    def _repr_html_(self) -> str:
        """Show the line in a notebook; ``plot`` shows the maps."""
        from html import escape

        return f"<code>{escape(repr(self))}</code>"


def _lay_over(scan: Scan, heatmap: np.ndarray, preprocessing: Preprocessing | None) -> np.ndarray:
    from matplotlib import colormaps

    pixels = scan.read()
    preprocessing = preprocessing or Preprocessing(heatmap.shape, steps=())
    heat = np.clip(preprocessing.lay_back(heatmap, pixels), 0, 1)
    colour = 255 * colormaps["turbo"](heat)[:, :, :3]
    share = STRONGEST_TINT * heat[:, :, None]
    return np.asarray(np.rint((1 - share) * pixels[:, :, None] + share * colour), np.uint8)
