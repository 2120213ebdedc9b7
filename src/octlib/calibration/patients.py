"""Patients: who is who among the scans of a calibration, in an order that a seed draws."""

from __future__ import annotations

import warnings

import numpy as np

from octlib.data import OctDataset
from octlib.data.splits import distinct, shuffled
from octlib.errors import UnknownPatientsWarning


def number_patients(dataset: OctDataset, seed: int, *, stacklevel: int = 2) -> np.ndarray:
    """Number the patients in a random order, which depends on their names and the seed alone.

    Args:
        dataset: the scans; one without a patient is a patient of its own.
        seed: another one gives another order.
        stacklevel: of the warning, as the caller counts.

    Returns:
        int64 (n,): 0 to one less than the number of patients.

    Warns:
        UnknownPatientsWarning: if some are unknown, with their number.
    """
    names = distinct(dataset.names.tolist())
    patients = dataset.column("patient").tolist()
    unknown = patients.count(None)
    if unknown:
        problem = (
            f"{unknown:,} of {len(dataset):,} scans have no patient. Each counts as a patient of its own, so that what "
            "is found promises too much if some are of one patient."
        )
        advice = "Give them with dataset.with_patients(...)."
        warnings.warn(UnknownPatientsWarning(problem, advice), stacklevel=stacklevel + 1)
    keys = [
        f"scan {name}" if patient is None else f"patient {patient}"
        for name, patient in zip(names, patients, strict=True)
    ]
    distinct_keys = sorted(set(keys))
    places = {distinct_keys[position]: place for place, position in enumerate(shuffled(distinct_keys, seed))}
    return np.array([places[key] for key in keys], dtype=np.int64)


def one_scan_each(dataset: OctDataset, patients: np.ndarray, seed: int) -> np.ndarray:
    """Draw one scan of each patient.

    Args:
        dataset: the scans.
        patients: int (n,), of ``number_patients``.
        seed: another one draws others.

    Returns:
        int64 (patients,), ascending places in the dataset.
    """
    order = np.array(shuffled(distinct(dataset.names.tolist()), seed), dtype=np.int64)
    first = np.unique(patients[order], return_index=True)[1]
    return np.sort(order[first])
