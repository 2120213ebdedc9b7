"""Phantoms: synthetic B-scans whose lesions are known to the pixel, for demonstrations and tests on any machine."""

from __future__ import annotations

from octlib.phantoms.generator import CLASS_NAMES, Phantom, PhantomSpec, make_phantoms, phantom_specs, render

__all__ = ["CLASS_NAMES", "Phantom", "PhantomSpec", "make_phantoms", "phantom_specs", "render"]
