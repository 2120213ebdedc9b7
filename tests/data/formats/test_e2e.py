"""E2E: volumes, eyes and patients of one file are kept apart.

The files are synthetic, written through the structures that oct-converter reads by: no device has seen them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from device_files import IMAGE, ONE, e2e_image, e2e_of_both_eyes, e2e_person, e2e_slices, write_e2e

from octlib.data import load_oct_dataset
from octlib.errors import MissingPackageError, UnreadableScanError

pytest.importorskip("oct_converter", reason="needs octlib[volumes]")


def test_each_volume_has_its_eye_and_its_patient(tmp_path: Path) -> None:
    scans = load_oct_dataset(write_e2e(tmp_path / "AMD/eyes.E2E", e2e_of_both_eyes()).parents[1])
    assert scans.names.tolist() == [f"AMD/eyes.E2E#{number}" for number in range(7)]
    assert [scan.volume for scan in scans] == [f"AMD/eyes.E2E/{volume}" for volume in (0, 0, 0, 1, 1, 2, 2)]
    assert scans.column("position").tolist() == [0, 1, 2, 0, 1, 0, 1]
    assert [scan.eye for scan in scans] == ["right"] * 3 + ["left"] * 4
    assert scans.patients.tolist()[:5] == ["0042"] * 5
    assert scans.patients[5] == scans.patients[6]
    assert scans.patients[5].startswith("anonymous-")  # the identity bore the name
    assert scans.column("label").tolist() == ["AMD"] * 7
    np.testing.assert_allclose(scans.column("pixel_height_um"), 3.9, rtol=1e-4)
    said = scans.to_frame().to_csv().lower() + repr(scans).lower()
    assert not any(name in said for name in ("jane", "roe", "müller", "änne"))


def test_values_follow_the_curve_of_the_device_whatever_else_is_in_the_slice(tmp_path: Path) -> None:
    scans = load_oct_dataset(write_e2e(tmp_path / "a.e2e", e2e_of_both_eyes()))
    values = [int(scan.read().max()) for scan in scans]
    assert values[:3] == [255] * 3  # 1.0
    assert values[3:5] == [0] * 2  # next to nothing
    # 2**-4: (ln(0.0625 + 2.44e-4) + 8.3) / 8.285
    np.testing.assert_allclose(values[5:], 255 * (np.log(0.0625 + 2.44e-4) + 8.3) / 8.285, atol=1)
    assert scans[0].read().shape == (6, 8)


def test_slices_of_a_volume_stay_together(tmp_path: Path) -> None:
    for number in range(4):
        write_e2e(tmp_path / f"{'AB'[number % 2]}/{number}.e2e", e2e_of_both_eyes())
    train, test = load_oct_dataset(tmp_path).split((0.5, 0.5), by="volume")
    assert not set(train.column("volume")) & set(test.column("volume"))
    assert len(train) + len(test) == 28


def test_a_table_of_slices_comes_back(tmp_path: Path) -> None:
    scans = load_oct_dataset(write_e2e(tmp_path / "a.e2e", e2e_of_both_eyes()))[[4, 1]]
    again = load_oct_dataset(scans.to_frame())
    pd.testing.assert_frame_equal(again.to_frame(), scans.to_frame())
    assert [int(scan.read().max()) for scan in again] == [0, 255]


def test_a_volume_is_decoded_once(tmp_path: Path, monkeypatch: Any) -> None:
    from octlib.data.formats.e2e import E2e

    decoded = []
    whole = E2e.decode
    monkeypatch.setattr(E2e, "decode", lambda self, path: decoded.append(path) or whole(self, path))
    path = write_e2e(tmp_path / "a.e2e", e2e_of_both_eyes())
    scans = load_oct_dataset(path)
    assert not decoded
    before = scans.images(8)
    assert decoded == [path]
    bright = e2e_image(np.full((6, 8), ONE), 7, 1, 0).content
    chunks = [each._replace(content=bright) if each.kind == IMAGE else each for each in e2e_of_both_eyes()]
    write_e2e(path, [*chunks, e2e_person(9, "1", "", "")])
    after = load_oct_dataset(path).images(8)  # another file by the same name
    assert before.min() == 0
    assert after.min() > 200


def test_damage_is_an_error_that_names_the_file(tmp_path: Path, capsys: Any) -> None:
    whole = write_e2e(tmp_path / "whole.e2e", e2e_of_both_eyes()).read_bytes()
    hostile = {
        "round.e2e": write_e2e(tmp_path / "round.e2e", e2e_of_both_eyes(), prev=88).read_bytes(),
        "many.e2e": write_e2e(tmp_path / "many.e2e", e2e_of_both_eyes(), num_entries=2**31).read_bytes(),
        "far.e2e": write_e2e(tmp_path / "far.e2e", [e2e_image(np.ones((2, 2)), 1, 1, 2**29)]).read_bytes(),
        "none.e2e": write_e2e(tmp_path / "none.e2e", [e2e_person(1, "1", "A", "B")]).read_bytes(),
        "large.e2e": write_e2e(
            tmp_path / "large.e2e",
            [e2e_image(np.ones((1, 1)), 1, 1, 1)._replace(content=bytes(12) + b"\0\0\2\0\0\0\2\0" + bytes(2))],
        ).read_bytes(),
        "short.e2e": whole[:-20],
        "head.e2e": whole[:60],
        "text.e2e": b"no such thing" * 30,
        "empty.e2e": b"",
    }
    for name, content in hostile.items():
        (tmp_path / name).write_bytes(content)
        scans = load_oct_dataset(tmp_path / name)
        with pytest.raises(UnreadableScanError, match=name):
            scans[0].read()
    assert capsys.readouterr() == ("", "")


def test_one_slice_many_times_is_refused(tmp_path: Path) -> None:
    path = write_e2e(tmp_path / "a.e2e", e2e_slices(ONE, 40, 1, 1))
    content = bytearray(path.read_bytes())
    for number in range(40):  # all entries name the first chunk
        content[140 + 44 * number + 4 : 140 + 44 * number + 8] = np.uint32(140 + 44 * 40).tobytes()
    path.write_bytes(content[: 140 + 44 * 40 + 60 + 20 + 96])
    with pytest.raises(UnreadableScanError, match=r"a\.e2e can't be read .* more pixels than fit"):
        load_oct_dataset(path)[0].read()


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: Any) -> None:
    path, found = write_e2e(tmp_path / "a.e2e", e2e_of_both_eyes()), importlib.util.find_spec
    monkeypatch.setattr(
        "octlib.data.file_format.find_spec", lambda name: None if name == "oct_converter" else found(name)
    )
    with pytest.raises(MissingPackageError, match=r"a\.e2e needs oct-converter.* pip install 'octlib\[volumes\]'"):
        load_oct_dataset(path)
