"""OCT: Bioptigen's and Optovue's are told apart by what is in them.

The files are synthetic: Bioptigen's are written field by field as oct-converter reads them, Optovue's are raw numbers
with the lines of text that it looks for. No device has seen them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_files import BIOPTIGEN, write_bioptigen, write_optovue

from octlib.data import load_oct_dataset
from octlib.errors import UnreadableScanError

pytest.importorskip("oct_converter", reason="needs octlib[volumes]")


@pytest.mark.parametrize(("scans", "kind"), [(2, 1), (1, 1), (4, 0)])
def test_bioptigen(tmp_path: Path, scans: int, kind: int) -> None:
    path = write_bioptigen(tmp_path / "mouse_OD.OCT", scans=scans, kind=kind)
    found = load_oct_dataset(path)
    assert found.names.tolist() == [f"mouse_OD.OCT#{number}" for number in range(4)]
    assert {scan.volume for scan in found} == {"mouse_OD.OCT"}
    assert (found[0].eye, found[0].patient) == ("right", None)
    wanted = np.rint(BIOPTIGEN.transpose(0, 2, 1) / BIOPTIGEN.max() * 255)
    np.testing.assert_array_equal(np.stack([scan.read() for scan in found]), wanted)


def test_optovue(tmp_path: Path) -> None:
    values = np.linspace(-1, 4, 60).reshape(3, 4, 5)
    found = load_oct_dataset(write_optovue(tmp_path / "a.OCT", values, eye="OS"))
    assert (len(found), found[0].eye, found[0].patient) == (3, "left", None)
    wanted = np.rint(np.maximum(values, 0) / 4 * 255)
    np.testing.assert_allclose(np.stack([scan.read() for scan in found]).astype(int), wanted, atol=1)


def test_damage_is_an_error_that_says_what_is_wrong(tmp_path: Path, capsys: Any) -> None:
    path = write_bioptigen(tmp_path / "a.oct")
    content = path.read_bytes()
    bad = {
        "short.oct": (content[:-30], "cut off|could not read|stream"),
        "shorter.oct": (content[:-100], "cut off|could not read|stream"),
        "head.oct": (content[:300], "cut off|could not read|stream"),
        "n.oct": (write_bioptigen(tmp_path / "x", n=2**31).read_bytes(), "which no scan has"),
        "width.oct": (write_bioptigen(tmp_path / "x", width=2**20).read_bytes(), "cut off"),
        "scans.oct": (write_bioptigen(tmp_path / "x", scans=3).read_bytes(), "oct-converter can't read"),
        "kind.oct": (
            write_bioptigen(tmp_path / "x", kind=2).read_bytes(),
            "of the kind 2, which oct-converter can't read",
        ),
        "alone.oct": (b"\0" * 80, r"Optovue's need alone\.txt beside them"),
    }
    for name, (damaged, said) in bad.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(UnreadableScanError, match=rf"{name} can't be read as a scan \(.*({said})"):
            load_oct_dataset(tmp_path / name)[0].read()
    assert capsys.readouterr() == ("", "")


def test_optovue_that_is_cut_off_or_holds_more_than_is_read(tmp_path: Path) -> None:
    values = np.ones((3, 4, 5))
    two = write_optovue(tmp_path / "two.oct", values, scans=2)
    with pytest.raises(UnreadableScanError, match="it holds 2 scans, of which oct-converter reads the first alone"):
        load_oct_dataset(two)[0].read()
    one = write_optovue(tmp_path / "one.oct", values)
    one.write_bytes(one.read_bytes()[:-4])
    with pytest.raises(UnreadableScanError, match="it is cut off"):
        load_oct_dataset(one)[0].read()
    one.with_suffix(".txt").write_text("nothing of the kind")
    with pytest.raises(UnreadableScanError, match=r"one\.txt beside it: it must tell of one scan, and tells of 0"):
        load_oct_dataset(one)[0].read()
