"""Phantoms: synthetic B-scans whose lesions are known to the pixel, for demonstrations and tests on any machine."""

from __future__ import annotations

from octlib.phantoms.devices import DEVICES, Device
from octlib.phantoms.generator import make_phantoms, render
from octlib.phantoms.phantom import Phantom
from octlib.phantoms.spec import CLASS_NAMES, PhantomSpec, phantom_specs
from octlib.phantoms.writing import write_phantoms

__all__ = [
    "CLASS_NAMES",
    "DEVICES",
    "Device",
    "Phantom",
    "PhantomSpec",
    "make_phantoms",
    "phantom_specs",
    "render",
    "write_phantoms",
]
