"""Summary: true counts in a few lines, and HTML that can't be broken by a name."""

from __future__ import annotations

from octlib.data.summary import Count, summarise


def test_text_counts_scans_and_patients_per_class(table):
    scans = table(["CNV", "CNV", "CNV", "DME"], ["1", "1", "2", "1"], class_names=["CNV", "DME", "DRUSEN"])
    assert repr(scans).splitlines() == [
        "OctDataset: 4 scans of 2 patients",
        "scans per class: CNV 3, DME 1, DRUSEN 0",
        "patients per class: CNV 2, DME 1, DRUSEN 0",
    ]


def test_text_says_what_is_unknown(table):
    assert repr(table([None])) == "OctDataset: 1 scan, patients unknown, no labels"
    assert (
        repr(table([None, None], ["1", None])) == "OctDataset: 2 scans of 1 patient, 1 of unknown patients, no labels"
    )
    assert repr(table([])) == "OctDataset: 0 scans, no labels"


def test_text_counts_published_splits(table):
    scans = table(["A"] * 3, splits=["test", "train", "train"])
    assert repr(scans).splitlines()[-1] == "published splits: train 2, test 1"


def test_html_has_a_row_for_each_class_and_the_total(table):
    html = table(["CNV", "CNV", "DME"], ["1", "2", None])._repr_html_()
    assert "<tr><th>CNV</th><td>2</td><td>2</td></tr>" in html
    assert "<tr><th>DME</th><td>1</td><td>unknown</td></tr>" in html
    assert "<tr><th>all</th><td>3</td><td>2</td></tr>" in html


def test_html_escapes_names(table):
    html = table(["<script>alert(1)</script>"])._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_html_counts_published_splits(table):
    assert "published splits: val 1" in table(["A"], splits=["val"])._repr_html_()


def test_scans_without_a_label_are_counted(table):
    scans = table(["A", None, "B", None], ["1", "1", "2", None])
    assert repr(scans).splitlines() == [
        "OctDataset: 4 scans of 2 patients, 1 of unknown patients, 2 without a label",
        "scans per class: A 1, B 1",
        "patients per class: A 1, B 1",
    ]
    assert "2 without a label" in scans._repr_html_()


def test_a_patient_is_counted_once(table):
    scans = table(["A", "B", "A"], ["1", "1", None], class_names=("B", "A"))
    summary = summarise(scans.labels, scans.class_names, scans.patients, scans.column("split"))
    assert summary.total == Count("all", 3, 1, 1)
    assert summary.classes == (Count("B", 1, 1, 0), Count("A", 2, 1, 1))
