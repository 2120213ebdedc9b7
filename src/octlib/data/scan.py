"""Scan: one B-scan with its name, label, patient and origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.data.origins import Origin


@dataclass(frozen=True, slots=True)
class Scan:
    """One row of a dataset; its pixels are read when asked for.

    Args:
        origin: where the pixels come from.
        name: what identifies the scan on every machine: its path relative to the folder it was loaded from, with
            forward slashes, or its number in an array.
        label: the class's name, or ``None``.
        patient: who was scanned, or ``None`` where nobody knows.
        split: the published split that it belongs to, or ``None``.
        eye: ``"right"``, ``"left"``, or another text of the source's; or ``None``.
        volume: what identifies the volume that it is a slice of, or ``None``.
        position: its place in the volume, or ``None``.
    """

    origin: Origin
    name: str
    label: str | None = None
    patient: str | None = None
    split: str | None = None
    eye: Any = None
    volume: Any = None
    position: Any = None

    @property
    def path(self) -> Path | None:
        """The file that holds the scan, or ``None`` where it has none of its own."""
        return self.origin.path

    def read(self, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Read the pixels.

        Args:
            at_least: (height, width) in pixels that are enough for the caller; a JPEG may then come at a reduced scale
                that still covers them, several times faster.

        Returns:
            uint8 (height, width) in 0-255.

        Raises:
            MissingScanError: if the file is gone.
            UnreadableScanError: if it can't be read; the text names the file.
        """
        return self.origin.read(at_least)

    def fingerprint(self) -> bytes:
        """Digest what the pixels are made of: the file's bytes, or the pixels themselves where there is no file.

        Returns:
            32 bytes: equal ones mean equal pixels, whatever the names.

        Raises:
            MissingScanError: if the file is gone.
            UnreadableScanError: if it is empty, or may not be read.
        """
        return self.origin.fingerprint()

    def lesion_mask(self) -> NDArray[np.bool_] | None:
        """Mark the pixels of lesions, where they are known: of phantoms they are.

        Returns:
            bool (height, width), all false for a healthy retina; ``None`` where nobody marked them.

        Example:
            >>> import octlib
            >>> scan = octlib.load_oct_dataset("phantoms")[0]
            >>> scan.label, scan.lesion_mask().shape
            ('CNV', (496, 512))
        """
        return self.origin.lesion_mask()
