"""OCTDL: the table beside the class folders says who was scanned, and what disagrees is counted."""

from __future__ import annotations

import unicodedata

import pandas as pd
import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LayoutError, LayoutWarning

FILES = ("AMD/amd_1.jpg", "AMD/amd_2.jpg", "DME/dme_1.jpg", "NO/no_1.jpg")


@pytest.fixture
def octdl(plant):
    """Write images, and a table with a row for each of these names: its disease, patient and eye."""

    def write(rows, under="", files=FILES, **columns):
        root = plant(*files, under="set/OCTDL").parent
        table = pd.DataFrame(rows, columns=["file_name", "disease", "patient_id"]).assign(**columns)
        table.to_csv(root / under / "OCTDL_labels.csv", index=False)
        return root

    return write


ROWS = [("amd_1", "AMD", 7), ("amd_2", "AMD", 7), ("dme_1", "DME", 12), ("no_1", "NO", 7)]


@pytest.mark.parametrize("source", ["", "set", "set/OCTDL"])
@pytest.mark.parametrize("under", ["", "OCTDL"])
def test_the_table_lies_in_the_folder_or_beside_it(octdl, tmp_path, under, source):
    octdl(ROWS, under, eye=["OD", "OS", "OD", None], sex="f", year=[2019, 2020, 2021, 2022], image_width=768)
    scans = load_oct_dataset(tmp_path / source)
    assert scans.patients.tolist() == ["7", "7", "12", "7"]  # one of them with two diseases
    assert scans.column("label").tolist() == scans.column("disease").tolist() == ["AMD", "AMD", "DME", "NO"]
    assert scans.column("eye").tolist() == [scan.eye for scan in scans] == ["right", "left", "right", None]
    assert scans.column("year").tolist() == [2019, 2020, 2021, 2022]
    assert "patient_id" not in scans.columns


def test_the_table_lies_two_folders_above_at_most(octdl):
    for depth, patients in ((1, ["7"]), (2, None)):
        inner = "/".join(["deeper"] * depth)
        files = [f"{inner}/AMD/amd_1.jpg"]
        root = octdl(ROWS[:1], files=files) / "OCTDL"
        scans = load_oct_dataset(root / inner)
        assert (None if scans.patients is None else scans.patients.tolist()) == patients


def test_images_without_rows_and_rows_without_images_are_counted(octdl):
    root = octdl([*ROWS[:2], ("gone_1", "DME", 3), ("gone_2", "DME", 3), (None, "DME", 4)])
    with pytest.warns(LayoutWarning) as seen:
        scans = load_oct_dataset(root)
    first, second = (str(warning.message) for warning in seen)
    assert "2 of 4 images have no row in " in first
    assert "such as dme_1" in first
    assert "3 of 5 rows in " in second
    assert "such as gone_1" in second
    assert scans.patients.tolist() == ["7", "7", None, None]
    assert scans.column("label").tolist() == ["AMD", "AMD", "DME", "NO"]


def test_the_folder_counts_where_the_table_names_another_class(octdl):
    root = octdl([*ROWS[:3], ("no_1", "ERM", 7)])
    with pytest.warns(
        LayoutWarning, match=r"1 of 4 images lie in .* such as OCTDL/NO/no_1\.jpg, ERM there. The folder counts"
    ):
        scans = load_oct_dataset(root)
    assert scans.column("label")[-1] == "NO"
    assert scans.column("disease")[-1] == "ERM"


def test_rows_that_differ_are_refused_and_equal_ones_are_one(octdl):
    assert load_oct_dataset(octdl([*ROWS, ROWS[0]])).patients.tolist() == ["7", "7", "12", "7"]
    with pytest.raises(LayoutError, match="one row for each image, and 1 images have several, such as amd_1"):
        load_oct_dataset(octdl([*ROWS, ("amd_1.jpg", "AMD", 8)]))


def test_accents_are_matched_however_the_disk_writes_them(octdl):
    composed, apart = (unicodedata.normalize(form, "mädchen_1") for form in ("NFC", "NFD"))
    scans = load_oct_dataset(octdl([(composed, "AMD", 3)], files=[f"AMD/{apart}.jpg"]))
    assert scans.patients.tolist() == ["3"]
    assert scans.names.tolist() == [f"OCTDL/AMD/{apart}.jpg"]


def test_columns_that_mean_something_else_in_a_dataset_are_told_apart(octdl):
    scans = load_oct_dataset(octdl(ROWS, path="/secret", Label="x"))
    assert scans.column("table_path").tolist() == ["/secret"] * 4
    assert scans.column("table_Label").tolist() == ["x"] * 4
    assert load_oct_dataset(scans.to_frame()).names.tolist() == scans.names.tolist()


def test_published_splits_of_somebody_else_are_no_octdl(octdl, plant):
    root = octdl(ROWS)
    plant("train/AMD/a.jpg", "test/DME/b.jpg", under="set/split")
    with pytest.raises(LayoutError, match="one data set, and there are 2"):
        load_oct_dataset(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "can't be read: it has no rows"),
        (b"file_name,disease,patient_id\n", "can't be read: it has no rows"),
        (b"file_name,disease,patient_id\n\xff\xfe,AMD,1\n", "must be a table in UTF-8"),
        (b"file_name;disease\namd_1;AMD\n", "and it has file_name, disease"),
        (b"file_name,disease,patient_id\namd_1,AMD,7,8,9\namd_2,AMD,7,8,9\n", "can't be read: "),
        (b"file_name,disease,patient_id,Disease\namd_1,AMD,7,x\n", "must differ, and disease is there more than once"),
    ],
)
def test_a_damaged_table_is_refused(octdl, content, message):
    root = octdl(ROWS)
    (root / "OCTDL_labels.csv").write_bytes(content)
    with pytest.raises(LayoutError, match=message):
        load_oct_dataset(root)


def test_a_table_of_excel_with_its_mark_is_read(octdl):
    root = octdl([("001", "AMD", 7), ("002", "AMD", "08")], files=("AMD/001.jpg", "AMD/002.jpg"))
    path = root / "OCTDL_labels.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_oct_dataset(root).patients.tolist() == ["7", "08"]
