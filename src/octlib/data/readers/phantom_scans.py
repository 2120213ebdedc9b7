"""Phantom scans: synthetic scans for any machine, drawn when they are read."""

from __future__ import annotations

from octlib.data.origins import PhantomScan
from octlib.data.readers.reading import Reading
from octlib.data.scan import Scan
from octlib.phantoms import CLASS_NAMES, phantom_specs


def read_phantoms() -> Reading:
    """List the default phantoms, the same on every machine.

    Returns:
        Scans with labels and patients, named as Kermany's are, ``CLASS-patient-number``.
    """
    return Reading(
        tuple(
            Scan(PhantomScan(spec), f"{spec.label}-{spec.patient}-{spec.scan}", spec.label, spec.patient)
            for spec in phantom_specs()
        ),
        CLASS_NAMES,
    )
