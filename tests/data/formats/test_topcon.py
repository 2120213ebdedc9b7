"""Topcon: .fda and .fds, compressed and raw, with the patient that their libraries pass over.

The files are synthetic, written through the structures that oct-converter reads by: no device has seen them.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from octlib.data import load_oct_dataset
from octlib.errors import UnreadableScanError

pytest.importorskip("oct_converter", reason="needs octlib[volumes]")

VALUES = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5) * 100  # slices, height, width


def layout(suffix: str) -> Any:
    from oct_converter.readers.binary_structs import fda_binary, fds_binary

    return fda_binary if suffix == ".fda" else fds_binary


def raw_chunk(suffix: str, values: np.ndarray = VALUES, **head: int) -> dict[str, bytes]:
    n, height, width = values.shape
    said = {"scan_mode": 2, "width": width, "height": height, "bits_per_pixel": 16, "number_slices": n, "format": 0}
    name, structure = (
        ("@IMG_MOT_COMP_03", layout(suffix).oct_header_2)
        if suffix == ".fda"
        else ("@IMG_SCAN_03", layout(suffix).oct_header)
    )
    return {name: structure.build({**said, "size": values.nbytes, **head}) + values.tobytes()}


def jpeg_chunk(values: np.ndarray, **head: int) -> dict[str, bytes]:
    said = {"width": values.shape[2], "height": values.shape[1], "number_slices": len(values)}
    unknown = {"scan_mode": 2, "unknown1": 0, "unknown2": 0, "unknown3": 0}
    content = layout(".fda").oct_header.build({**unknown, **said, **head})
    for each in values:
        file = io.BytesIO()
        Image.fromarray(each).save(file, "JPEG2000")
        content += np.int32(file.tell()).tobytes() + file.getvalue()
    return {"@IMG_JPEG": content}


def about(identity: str = "0042", first: str = "Jane", last: str = "Roe", eye: int = 1) -> dict[str, bytes]:
    texts = [(identity, 32), (first, 32), (last, 32), ("", 8)]
    patient = b"".join(text.encode("latin-1").ljust(size, b"\0") for text, size in texts)
    spacing = dict.fromkeys(("fixation", "mirror_pos", "polar", "comp_eff_2", "comp_eff_3", "base_pos"), 0)
    size = {"x_dimension_mm": 6.0, "y_dimension_mm": 6.0, "z_resolution_um": 2.6, "used_calib_data": 0}
    return {
        "@PATIENT_INFO_02": patient + bytes(700),
        "@CAPTURE_INFO_02": bytes([eye]) + bytes(120),  # no date: made anonymous
        "@PARAM_SCAN_04": layout(".fda").param_scan_04_header.build({**spacing, **size}),
    }


def write(path: Path, chunks: dict[str, bytes]) -> Path:
    head = {"file_code": "FOCT", "file_type": "FDA", "major_ver": 2, "minor_ver": 0}
    content = layout(".fda").header.build(head)
    for name, chunk in chunks.items():
        content += bytes([len(name)]) + name.encode() + np.uint32(len(chunk)).tobytes() + chunk
    path.write_bytes(content + b"\0")
    return path


@pytest.mark.parametrize("suffix", [".fda", ".fds"])
def test_a_raw_volume(tmp_path: Path, suffix: str) -> None:
    scans = load_oct_dataset(write(tmp_path / f"a{suffix}", {**about(), **raw_chunk(suffix)}))
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
    scans = load_oct_dataset(write(tmp_path / "a.fda", {**about(eye=0), **jpeg_chunk(values)}))
    assert scans[0].eye == "right"
    np.testing.assert_array_equal(np.stack([scan.read() for scan in scans]), values)


def test_names_go_nowhere(tmp_path: Path) -> None:
    write(tmp_path / "1.fda", {**about("müller-61", "Änne", "MÜLLER"), **raw_chunk(".fda")})
    write(tmp_path / "2.fds", {**about("müller-61", "Änne", "MÜLLER"), **raw_chunk(".fds")})
    scans = load_oct_dataset(tmp_path)
    assert len(set(scans.patients)) == 1
    assert "ller" not in scans.to_frame().to_csv().lower()
    assert "nne" not in scans.to_frame().to_csv().lower()


def test_what_a_file_does_not_say_is_unknown(tmp_path: Path) -> None:
    for suffix in (".fda", ".fds"):
        scans = load_oct_dataset(write(tmp_path / f"a{suffix}", raw_chunk(suffix)))
        assert (scans[0].patient, scans[0].eye, len(scans)) == (None, None, 3)
        assert scans.images(4).shape == (3, 4, 4)


@pytest.mark.parametrize("suffix", [".fda", ".fds"])
def test_damage_is_an_error_that_names_the_file(tmp_path: Path, suffix: str, capsys: Any) -> None:
    whole = write(tmp_path / f"whole{suffix}", {**about(), **raw_chunk(suffix)}).read_bytes()
    hostile = {
        "huge": write(tmp_path / "x", raw_chunk(suffix, number_slices=2**31)).read_bytes(),
        "wide": write(tmp_path / "x", raw_chunk(suffix, width=2**14)).read_bytes(),
        "none": write(tmp_path / "x", about()).read_bytes(),
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
    scans = load_oct_dataset(write(tmp_path / "a.fda", jpeg_chunk(values)))
    with pytest.raises(UnreadableScanError, match=r"a\.fda .* larger together"):
        scans[0].read()


def test_the_library_itself_is_left_alone(tmp_path: Path) -> None:
    load_oct_dataset(write(tmp_path / "a.fda", raw_chunk(".fda")))[0].read()
    import oct_converter.readers.fda as theirs

    assert theirs.np is np
    assert theirs.Image is Image
    assert sys.modules["oct_converter.readers.fda"] is theirs
