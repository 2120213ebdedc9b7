"""Writing: phantoms as files that are read back, with their truth beside them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import octlib
from octlib.phantoms import make_phantoms, write_phantoms


@pytest.fixture(scope="module")
def phantoms():
    return make_phantoms(8, scans_per_patient=2, size=(96, 128), seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, phantoms):
    target = tmp_path_factory.mktemp("phantoms") / "new" / "folder"
    assert write_phantoms(target, iter(phantoms)) == 16
    return target


def table(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_the_scans_are_read_back_with_labels_and_patients(folder, phantoms):
    scans = octlib.load_oct_dataset(folder / "scans")
    read = {(scan.label, scan.patient, scan.path.stem): scan.read() for scan in scans}
    assert len(read) == 16
    for phantom in phantoms:
        np.testing.assert_array_equal(read[phantom.label, phantom.patient, phantom.name], phantom.image)


def test_there_is_a_mask_for_each_kind_of_lesion(folder, phantoms):
    expected = {f"{phantom.name}-{kind}.png": mask for phantom in phantoms for kind, mask in phantom.masks.items()}
    assert {path.name for path in (folder / "masks").iterdir()} == set(expected)
    assert expected
    for name, mask in expected.items():
        np.testing.assert_array_equal(pixels(folder / "masks" / name), 255 * mask)


def test_a_boundary_is_a_column_with_a_row_for_each_column_of_the_scan(folder, phantoms):
    for phantom in phantoms:
        rows = table(folder / "boundaries" / f"{phantom.name}.csv")
        assert len(rows) == 128
        assert list(rows[0]) == list(phantom.boundaries)
        for name, surface in phantom.boundaries.items():
            np.testing.assert_allclose([float(row[name]) for row in rows], surface, atol=6e-4)


def test_the_tables_hold_the_parameters(folder, phantoms):
    rows = {row["name"]: row for row in table(folder / "phantoms.csv")}
    everything = json.loads((folder / "parameters.json").read_text())
    assert list(rows) == list(everything) == [phantom.name for phantom in phantoms]
    for phantom in phantoms:
        row = rows[phantom.name]
        assert list(row)[:4] == ["name", "label", "patient", "scan"]
        assert (row["label"], row["patient"], row["scan"]) == (phantom.label, phantom.patient, str(phantom.scan))
        assert float(row["severity"]) == phantom.parameters["severity"]
        assert everything[phantom.name]["thickness"] == list(phantom.parameters["thickness"])
        assert "thickness" not in row  # a list is no single value
        for name, value in row.items():
            assert value == "" or name in {"name", *everything[phantom.name]}


def test_phantoms_are_taken_one_by_one(tmp_path, phantoms):
    def one_at_a_time():
        for number, phantom in enumerate(phantoms):
            assert len(list((tmp_path / "out" / "scans").rglob("*.png"))) == number
            yield phantom

    write_phantoms(tmp_path / "out", one_at_a_time())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_there_is_kept(tmp_path, phantoms, kind):
    target = tmp_path / "mine"
    file = target if kind == "file" else target / "precious"
    file.parent.mkdir(exist_ok=True)
    file.write_text("precious")
    with pytest.raises(FileExistsError, match="need an empty folder, and .*mine isn't one"):
        write_phantoms(target, phantoms)
    assert file.read_text() == "precious"


def test_phantoms_of_one_name_are_refused(tmp_path, phantoms):
    other = replace(phantoms[0], image=255 - phantoms[0].image)
    with pytest.raises(ValueError, match="different names, got CNV-P0001-1 twice"):
        write_phantoms(tmp_path, [phantoms[0], other])
