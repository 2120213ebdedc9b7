"""Devices: how OCT scanners differ in size, field, resolution, noise and processing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """What a scanner makes of light.

    The presets are looks that resemble the scans of such devices; no manufacturer had a part in them.

    Args:
        size: (height, width) in pixels of its usual scan.
        depth: micrometres from the upper to the lower border.
        micrometres_across: of one column in a scan of the usual width.
        floor: mean grey value of noise alone, in 0-1 of the display.
        averaging: the smallest and the largest number of independent frames that it averages.
        grain: whether grains of speckle are two to three pixels wide, or one.
        rolloff: micrometres in which sensitivity falls to 1/e.
        wedges: the share of scans that are turned and moved after the scan, which leaves white wedges.
    """

    size: tuple[int, int]
    depth: float
    micrometres_across: float
    floor: float
    averaging: tuple[int, int]
    grain: bool
    rolloff: float
    wedges: float


DEVICES = {
    "spectralis": Device((496, 512), 1920, 11.7, 0.085, (1, 2), True, 3500, 0.7),
    "spectralis-wide": Device((496, 768), 1920, 11.5, 0.085, (1, 2), True, 3500, 0.5),
    "spectralis-fine": Device((496, 1536), 1920, 5.7, 0.08, (1, 4), True, 3500, 0.2),
    "cirrus": Device((512, 512), 2000, 11.7, 0.20, (1, 1), False, 2500, 0.0),
    "topcon": Device((512, 512), 2300, 11.7, 0.17, (1, 3), False, 3000, 0.0),
}
