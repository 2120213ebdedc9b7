"""Phantom scans: synthetic scans for any machine, drawn when they are read."""

from __future__ import annotations

from octlib.data.classes import as_labels
from octlib.data.columns import objects
from octlib.data.dataset import OctDataset
from octlib.data.origin_columns import PhantomOrigins
from octlib.data.reader import Reader, Reading, Wanted
from octlib.phantoms import CLASS_NAMES, phantom_specs


class PhantomScans(Reader):
    """Lists the default phantoms, the same on every machine, named as Kermany's scans are: ``CLASS-patient-number``."""

    takes = str

    def matches(self, source: object) -> bool:
        """Match the word ``"phantoms"``."""
        return isinstance(source, str) and source == "phantoms"

    def read(self, source: str, wanted: Wanted) -> Reading:
        """List the scans, with labels and patients."""
        specs = phantom_specs()
        labels, _ = as_labels([CLASS_NAMES.index(spec.label) for spec in specs], len(specs), CLASS_NAMES)
        names = objects([f"{spec.label}-{spec.patient}-{spec.scan}" for spec in specs])
        patients = objects([spec.patient for spec in specs])
        return Reading(OctDataset(PhantomOrigins(objects(specs)), names, labels, CLASS_NAMES, patients))
