"""Topcon: .fda and .fds, compressed and raw, with the patient that their libraries pass over.

The files are synthetic, written through the structures that oct-converter reads by: no device has seen them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_files import topcon_about, topcon_jpeg, topcon_raw, write_topcon
from PIL import Image, features

from octlib.data import load_oct_dataset
from octlib.errors import UnreadableScanError

pytest.importorskip("oct_converter", reason="needs octlib[volumes]")


@pytest.mark.parametrize("suffix", [".fda", ".fds"])
def test_a_raw_volume(tmp_path: Path, suffix: str) -> None:
    scans = load_oct_dataset(write_topcon(tmp_path / f"a{suffix}", {**topcon_about(), **topcon_raw(suffix)}))
    assert scans.names.tolist() == [f"a{suffix}#{number}" for number in range(3)]
    assert (scans[2].patient, scans[2].eye, scans[2].volume) == ("0042", "left", f"a{suffix}")
    np.testing.assert_allclose(scans.column("pixel_width_um"), 1200)
    np.testing.assert_allclose(scans.column("pixel_height_um"), 2.6)
    # Of the volume, not of each slice: the first is darker than the last. What is there is a scan whose columns are
    # A-scans, from the first value in the file on.
    read = np.stack([scan.read() for scan in scans])
    flat = np.rint(np.arange(60) / 59 * 255).reshape(3, 4, 5)
    np.testing.assert_array_equal(read, flat)


@pytest.mark.skipif(not features.check("jpg_2000"), reason="Pillow can't write JPEG 2000")
def test_a_compressed_volume_keeps_its_values(tmp_path: Path) -> None:
    values = np.stack([np.full((8, 16), value, np.uint8) for value in (0, 60, 120)])
    scans = load_oct_dataset(write_topcon(tmp_path / "a.fda", {**topcon_about(eye=0), **topcon_jpeg(values)}))
    assert scans[0].eye == "right"
    np.testing.assert_array_equal(np.stack([scan.read() for scan in scans]), values)


def test_names_go_nowhere(tmp_path: Path) -> None:
    write_topcon(tmp_path / "1.fda", {**topcon_about("müller-61", "Änne", "MÜLLER"), **topcon_raw(".fda")})
    write_topcon(tmp_path / "2.fds", {**topcon_about("müller-61", "Änne", "MÜLLER"), **topcon_raw(".fds")})
    scans = load_oct_dataset(tmp_path)
    assert len(set(scans.patients)) == 1
    assert "ller" not in scans.to_frame().to_csv().lower()
    assert "nne" not in scans.to_frame().to_csv().lower()


def test_what_a_file_does_not_say_is_unknown(tmp_path: Path) -> None:
    for suffix in (".fda", ".fds"):
        scans = load_oct_dataset(write_topcon(tmp_path / f"a{suffix}", topcon_raw(suffix)))
        assert (scans[0].patient, scans[0].eye, len(scans)) == (None, None, 3)
        assert scans.images(4).shape == (3, 4, 4)


@pytest.mark.parametrize("suffix", [".fda", ".fds"])
def test_damage_is_an_error_that_names_the_file(tmp_path: Path, suffix: str, capsys: Any) -> None:
    whole = write_topcon(tmp_path / f"whole{suffix}", {**topcon_about(), **topcon_raw(suffix)}).read_bytes()
    hostile = {
        "huge": write_topcon(tmp_path / "x", topcon_raw(suffix, number_slices=2**31)).read_bytes(),
        "wide": write_topcon(tmp_path / "x", topcon_raw(suffix, width=2**14)).read_bytes(),
        "none": write_topcon(tmp_path / "x", topcon_about()).read_bytes(),
        "short": whole[:-30],
        "head": whole[:20],
        "text": b"no such thing" * 30,
    }
    for name, content in hostile.items():
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(content)
        scans = load_oct_dataset(path)
        with pytest.raises(UnreadableScanError, match=f"{name}{suffix} can't be read"):
            scans[0].read()
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not features.check("jpg_2000"), reason="Pillow can't write JPEG 2000")
def test_a_slice_that_is_larger_than_it_says_is_no_reason_to_fill_the_memory(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("octlib.data.formats.topcon.MAX_VOLUME", 200)
    values = np.zeros((3, 8, 16), np.uint8)
    scans = load_oct_dataset(write_topcon(tmp_path / "a.fda", topcon_jpeg(values)))
    with pytest.raises(UnreadableScanError, match=r"a\.fda .* larger together"):
        scans[0].read()


def test_the_library_itself_is_left_alone(tmp_path: Path) -> None:
    load_oct_dataset(write_topcon(tmp_path / "a.fda", topcon_raw(".fda")))[0].read()
    import oct_converter.readers.fda as theirs

    assert theirs.np is np
    assert theirs.Image is Image
    assert sys.modules["oct_converter.readers.fda"] is theirs
