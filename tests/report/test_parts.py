"""Parts: counts of scans and patients, who is in two of them, and a digest that tells one division from another."""

from __future__ import annotations

import numpy as np

import octlib
from octlib.report.parts import describe_parts, digest_of_parts


def dataset(labels, patients):
    pixels = np.arange(len(labels) * 64, dtype=np.uint8).reshape(len(labels), 8, 8)
    return octlib.load_oct_dataset((pixels, labels, patients), class_names=["CNV", "NORMAL"])


def test_scans_and_patients_of_each_part_are_counted():
    parts = {"train": dataset(["CNV", "CNV", "NORMAL"], ["a", "a", "b"]), "test": dataset(["NORMAL"], ["c"])}
    told = describe_parts(parts)
    assert told["names"] == ["CNV", "NORMAL"]
    assert told["rows"] == [
        {"name": "train", "scans": "3", "patients": "2", "classes": ["2", "1"]},
        {"name": "test", "scans": "1", "patients": "1", "classes": ["0", "1"]},
    ]
    assert (told["shared"], told["unknown"]) == ([], False)


def test_shared_and_unknown_patients_are_told():
    parts = {
        "train": dataset(["CNV", "NORMAL", "CNV"], ["a", "b", "d"]),
        "validation": dataset(["CNV"], [None]),
        "test": dataset(["NORMAL", "CNV"], ["b", "d"]),
    }
    told = describe_parts(parts)
    assert told["shared"] == ["2 patients of train are in test too"]
    assert told["unknown"]
    assert told["rows"][1]["patients"] == "unknown"


def test_the_digest_is_of_the_division_and_not_of_its_order():
    scans = dataset(["CNV", "NORMAL", "CNV", "NORMAL"], ["a", "b", "c", "d"])
    first = digest_of_parts({"train": scans.subset([0, 1]), "test": scans.subset([2, 3])})
    assert first == digest_of_parts({"test": scans.subset([3, 2]), "train": scans.subset([1, 0])})
    assert first != digest_of_parts({"train": scans.subset([0, 2]), "test": scans.subset([1, 3])})


def test_a_page_says_that_parts_share_patients(tmp_path, evaluation):
    both = dataset(["CNV", "NORMAL"], ["a", "b"])
    page = octlib.write_report(tmp_path / "r.html", evaluation, parts={"train": both, "test": both}).read_text()
    assert "Parts share patients: 2 patients of train are in test too. Metrics come out too high." in page
    assert "No patient is known" not in page
