"""Phantom scans: synthetic scans for any machine, drawn when they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from octlib.data.classes import as_labels
from octlib.data.columns import objects
from octlib.data.dataset import OctDataset
from octlib.data.origin_columns import PhantomOrigins
from octlib.data.reader import Reader, Reading, Wanted
from octlib.phantoms import CLASS_NAMES, PhantomSpec, phantom_specs


class PhantomScans(Reader):
    """Lists phantoms, the same on every machine, named as Kermany's scans are: ``CLASS-patient-number``."""

    def matches(self, source: object) -> bool:
        """Match the word ``"phantoms"``, for the default ones, and a sequence of specifications."""
        if isinstance(source, str):
            return source == "phantoms"
        return isinstance(source, list | tuple) and bool(source) and isinstance(source[0], PhantomSpec)

    def read(self, source: str | Sequence[PhantomSpec], wanted: Wanted) -> Reading:
        """List the scans, with labels and patients."""
        specs = phantom_specs() if isinstance(source, str) else source
        _require_distinct(specs)
        labels, _ = as_labels([CLASS_NAMES.index(spec.label) for spec in specs], len(specs), CLASS_NAMES)
        patients = _patients(specs)
        names = objects([f"{spec.label}-{name}-{spec.scan}" for spec, name in zip(specs, patients, strict=True)])
        return Reading(OctDataset(PhantomOrigins(objects(specs)), names, labels, CLASS_NAMES, objects(patients)))


def _require_distinct(specs: Sequence[object]) -> None:
    others = [spec for spec in specs if not isinstance(spec, PhantomSpec)]
    if others:
        raise TypeError(f"Phantoms must all be specified by a PhantomSpec, got {type(others[0]).__name__} among them.")
    phantoms = Counter((spec.seed, spec.number, spec.scan) for spec in specs if isinstance(spec, PhantomSpec))
    (seed, number, scan), count = phantoms.most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"Phantoms must differ in seed, patient or scan, and {count} are of seed {seed}, patient {number}, scan "
            f"{scan}. Give one collection another seed."
        )


def _patients(specs: Sequence[PhantomSpec]) -> list[str]:
    """Name the patients; those of several seeds are other people, whatever their numbers."""
    if len({spec.seed for spec in specs}) == 1:
        return [spec.patient for spec in specs]
    return [f"{spec.seed}.{spec.patient}" for spec in specs]
