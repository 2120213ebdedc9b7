"""Phantoms: options reach the phantoms, and the files are those of the library."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import octlib

SMALL = ("--patients", "4", "--scans-per-patient", "2", "--size", "96x128")


def test_the_scans_are_those_of_the_library(shell, tmp_path):
    options = ("--device", "cirrus", "--severity", "0.7", "--averaging", "4", "--wedges", "--seed", "3")
    result = shell("phantoms", "-o", tmp_path / "new", *SMALL, *options, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["scans"] == dict.fromkeys(("CNV", "DME", "DRUSEN", "NORMAL"), 2)
    assert document["patients"] == 4
    assert document["files"] == ["boundaries", "masks", "parameters.json", "phantoms.csv", "scans"]
    expected = octlib.make_phantoms(
        4, scans_per_patient=2, size=(96, 128), device="cirrus", severity=0.7, averaging=4, wedges=True, seed=3
    )
    for phantom in expected:
        with Image.open(tmp_path / "new" / "scans" / phantom.label / f"{phantom.name}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), phantom.image)


def test_what_is_drawn_where_nothing_is_asked_for_is_the_libraries(shell, tmp_path):
    assert shell("phantoms", "-o", tmp_path / "new", "--patients", "1", "--scans-per-patient", "1").exit_code == 0
    (phantom,) = octlib.make_phantoms(1, scans_per_patient=1)
    (scan,) = octlib.load_oct_dataset(tmp_path / "new" / "scans")
    np.testing.assert_array_equal(scan.read(), phantom.image)


def test_they_can_be_trained_on(shell, tmp_path, training):
    many = ("--patients", "24", "--scans-per-patient", "1", "--size", "96")
    assert shell("phantoms", "-o", tmp_path / "new", *many).exit_code == 0
    result = shell("train", tmp_path / "new" / "scans", "-o", tmp_path / "run", *training)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--device", "spectralys"), 1, "Unknown device 'spectralys': did you mean 'spectralis'?"),
        (("--size", "32"), 1, "at least 64 pixels"),
        (("--severity", "0"), 2, "0<x<=1"),
        (("--patients", "0"), 2, "x>=1"),
    ],
)
def test_values_out_of_range_leave_no_folder(shell, tmp_path, options, status, message):
    result = shell("phantoms", "-o", tmp_path / "new", *options)
    assert result.exit_code == status
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []
