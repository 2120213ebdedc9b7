"""Data: tables of scans, the readers that make them, and splits that don't leak."""

from __future__ import annotations

from octlib.data.audit import Audit
from octlib.data.dataset import OctDataset
from octlib.data.findings import Finding
from octlib.data.inventory import DownloadedDataset, downloaded_datasets, remove_downloaded_datasets
from octlib.data.labels import match_labels
from octlib.data.loading import as_dataset, layouts, load_oct_dataset
from octlib.data.patients import as_patients
from octlib.data.readable import require_readable
from octlib.data.scan import Scan

__all__ = [
    "Audit",
    "DownloadedDataset",
    "Finding",
    "OctDataset",
    "Scan",
    "as_dataset",
    "as_patients",
    "downloaded_datasets",
    "layouts",
    "load_oct_dataset",
    "match_labels",
    "remove_downloaded_datasets",
    "require_readable",
]
