"""Phantom: a synthetic B-scan with everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Phantom:
    """A synthetic B-scan with its truth.

    Args:
        image: uint8 (height, width) in 0-255.
        masks: for each kind of lesion that is there, bool (height, width): ``"drusen"``, ``"PED"`` (detached RPE with
            what lies below), ``"SHRM"`` (subretinal hyper-reflective material), ``"SRF"`` (subretinal fluid), ``"IRF"``
            (intraretinal cysts) and ``"exudates"``. None in a normal scan.
        boundaries: for each surface float32 (width,), in rows from the top: ``"top of ILM"`` and so on downwards,
            ``"BM"`` (Bruch's membrane) and ``"CSI"`` (border between choroid and sclera).
        label: the class: CNV, DME, DRUSEN or NORMAL.
        patient: the patient's name.
        scan: the scan's number within the patient, from 1.
        parameters: all that was drawn to make it, by name; JSON can hold it.
    """

    image: NDArray[np.uint8]
    masks: Mapping[str, NDArray[np.bool_]]
    boundaries: Mapping[str, NDArray[np.float32]]
    label: str
    patient: str
    scan: int
    parameters: Mapping[str, Any]

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """All lesions together: bool (height, width), nowhere true in a normal scan."""
        union = np.zeros(self.image.shape, dtype=np.bool_)
        for each in self.masks.values():
            union |= each
        return union

    @property
    def name(self) -> str:
        """What Kermany's files are named like: ``CNV-P0001-1``."""
        return f"{self.label}-{self.patient}-{self.scan}"

    def __repr__(self) -> str:
        """Name class, patient and size, not the pixels."""
        height, width = self.image.shape
        return f"Phantom({self.label}, patient {self.patient}, {height} x {width})"
