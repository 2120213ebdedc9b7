"""Zeiss: a cube is what its name says. The files are synthetic, bytes in the order that oct-converter reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from octlib.data import load_oct_dataset
from octlib.errors import UnreadableScanError

pytest.importorskip("oct_converter", reason="needs octlib[volumes]")


def test_the_name_tells_patient_eye_and_size(tmp_path: Path) -> None:
    cube = np.arange(3 * 6 * 20, dtype=np.uint8).reshape(3, 20, 6)  # slices, A-scans, depth
    path = tmp_path / "P12_Macular Cube 20x3_1-2-2020_9-8-7_OS_sn0169_cube_z.img"
    path.write_bytes(cube.tobytes())
    scans = load_oct_dataset(path)
    assert [scan.position for scan in scans] == [0, 1, 2]
    assert (scans[0].patient, scans[0].eye, scans[0].volume) == ("P12", "left", path.name)
    np.testing.assert_array_equal(np.stack([scan.read() for scan in scans]), cube.transpose(0, 2, 1))


def test_a_name_that_says_nothing_is_the_usual_size(tmp_path: Path) -> None:
    path = tmp_path / "MODEL.img"
    path.write_bytes(bytes(2 * 1024 * 512))
    scans = load_oct_dataset(path)
    assert (len(scans), scans[0].eye, scans[0].patient) == (2, None, None)
    assert scans[1].read().shape == (1024, 512)


@pytest.mark.parametrize(
    ("name", "size"), [("a.img", 1000), ("a_512x128.img", 512 * 128 - 1), ("a_00x0.img", 9), ("a_9999x99999.img", 7)]
)
def test_other_files_of_that_name_are_an_error_that_says_what_is_needed(tmp_path: Path, name: str, size: int) -> None:
    (tmp_path / name).write_bytes(bytes(size))
    scans = load_oct_dataset(tmp_path / name)
    with pytest.raises(UnreadableScanError, match=rf"{name} .* bytes, which are no cube of Zeiss: its name must tell"):
        scans[0].read()
