"""VOL: HEYEX' raw volumes. The files are synthetic, built by eyepy's own definition of the format."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_files import VOL, write_vol

from octlib.data import load_oct_dataset
from octlib.errors import MissingPackageError, UnreadableScanError

pytest.importorskip("eyepy", reason="needs octlib[vol]")

LOWEST, HIGHEST = np.float32(0), np.finfo(np.float32).max


def test_a_volume_knows_its_patient_its_eye_and_its_pixels(tmp_path: Path) -> None:
    scans = load_oct_dataset(write_vol(tmp_path / "a.vol", VOL))
    assert scans.names.tolist() == [f"a.vol#{number}" for number in range(3)]
    assert (scans[1].patient, scans[1].eye, scans[1].volume, scans[1].position) == ("0042", "left", "a.vol", 1)
    np.testing.assert_allclose(scans.column("pixel_height_um"), 3.9)
    np.testing.assert_allclose(scans.column("pixel_width_um"), 11.5)
    curve = 255 * np.clip((np.log(VOL[:, 0, 0] + 2.44e-4) + 8.3) / 8.285, 0, 1)
    np.testing.assert_allclose([int(scan.read().max()) for scan in scans], curve, atol=1)


@pytest.mark.parametrize("pattern", [2, 5])  # a circle, a star: no cubes, and slices all the same
def test_every_pattern_is_slices(tmp_path: Path, pattern: int) -> None:
    scans = load_oct_dataset(write_vol(tmp_path / "a.vol", VOL, scan_pattern=pattern, patient_id=""))
    assert (len(scans), scans[0].patient, scans[2].read().max()) == (3, None, 255)


def test_what_was_not_measured_is_black(tmp_path: Path) -> None:
    values = np.array([[[HIGHEST, np.nan, -1.0, np.inf]]])
    assert load_oct_dataset(write_vol(tmp_path / "a.vol", values))[0].read().tolist() == [[0, 0, 0, 0]]


def test_damage_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    whole = write_vol(tmp_path / "whole.vol", VOL).read_bytes()
    count = bytearray(whole)
    count[16:20] = np.uint32(2**31).tobytes()
    narrow = bytearray(whole)
    narrow[2048 + 6 + 12 : 2048 + 6 + 16] = np.uint32(2**31).tobytes()
    bad = {
        "short.vol": whole[:-10],
        "head.vol": whole[:1000],
        "count.vol": bytes(count),
        "narrow.vol": bytes(narrow),
        "text.vol": b"no such thing" * 300,
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableScanError, match=f"{name} can't be read"):
            load_oct_dataset(tmp_path / name)[0].read()


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: Any) -> None:
    path, found = write_vol(tmp_path / "a.vol", VOL), importlib.util.find_spec
    monkeypatch.setattr("octlib.data.file_format.find_spec", lambda name: None if name == "eyepy" else found(name))
    with pytest.raises(MissingPackageError, match=r"a\.vol needs eyepy.* pip install 'octlib\[vol\]'"):
        load_oct_dataset(path)
