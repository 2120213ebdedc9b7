"""OCT: Bioptigen's and Optovue's are told apart by what is in them.

The files are synthetic: Bioptigen's are written field by field as oct-converter reads them, Optovue's are raw numbers
with the lines of text that it looks for. No device has seen them.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octlib.data import load_oct_dataset
from octlib.errors import UnreadableScanError

pytest.importorskip("oct_converter", reason="needs octlib[volumes]")

VALUES = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6) * 100  # frames, A-scans, depth


def field(key: str, content: bytes) -> bytes:
    return struct.pack("=I", len(key)) + key.encode() + struct.pack("=I", len(content)) + content


def whole(key: str, value: int) -> bytes:
    return field(key, struct.pack("=I", value))


def real(key: str, value: float = 0.0) -> bytes:
    return field(key, struct.pack("=d", value))


def bioptigen(path: Path, values: np.ndarray = VALUES, scans: int = 2, kind: int = 1, **claims: int) -> Path:
    n, width, height = values.shape
    n, width, height = claims.get("n", n), claims.get("width", width), claims.get("height", height)
    content = struct.pack("=IH", 0x4F435446, 0x65) + field("FRAMEHEADER", b"")
    content += whole("FRAMECOUNT", n) + whole("LINECOUNT", width) + whole("LINELENGTH", height)
    content += whole("SAMPLEFORMAT", 1) + field("DESCRIPTION", b"test") + real("XMIN") + real("XMAX", 1)
    content += field("XCAPTION", b"x") + real("YMIN") + real("YMAX", 1) + field("YCAPTION", b"y")
    content += whole("SCANTYPE", kind)
    content += b"".join(
        real(key) for key in ("SCANDEPTH", "SCANLENGTH", "AZSCANLENGTH", "ELSCANLENGTH", "OBJECTDISTANCE", "SCANANGLE")
    )
    content += whole("SCANS", scans) + whole("FRAMES", n // scans) + whole("DOPPLERFLAG", 0)
    content += field("CONFIG", b"\1\2") + bytes(4)
    for frame in values:
        content += field("FRAMEDATA", b"") + field("FRAMEDATETIME", bytes(16)) + real("FRAMETIMESTAMP")
        content += whole("FRAMELINES", width)
        content += struct.pack("=I", 12) + b"FRAMESAMPLES" + struct.pack("=I", frame.nbytes) + frame.tobytes()
        content += bytes(4)
    path.write_bytes(content)
    return path


def optovue(path: Path, values: np.ndarray, *, eye: str = "OD", scans: int = 1) -> Path:
    n, height, width = values.shape
    path.write_bytes(np.rot90(values, -1, axes=(1, 2)).astype("<f4").tobytes() * scans)
    lines = [f"Eye Scanned = {eye}", f"Window Height = {height}"]
    lines += [f"Scan Length = {width} pixels", f"Scan Usage = {n} frames"] * scans
    path.with_suffix(".txt").write_text("\n".join(lines), encoding="latin-1")
    return path


@pytest.mark.parametrize(("scans", "kind"), [(2, 1), (1, 1), (4, 0)])
def test_bioptigen(tmp_path: Path, scans: int, kind: int) -> None:
    path = bioptigen(tmp_path / "mouse_OD.OCT", scans=scans, kind=kind)
    found = load_oct_dataset(path)
    assert found.names.tolist() == [f"mouse_OD.OCT#{number}" for number in range(4)]
    assert {scan.volume for scan in found} == {"mouse_OD.OCT"}
    assert (found[0].eye, found[0].patient) == ("right", None)
    wanted = np.rint(VALUES.transpose(0, 2, 1) / VALUES.max() * 255)
    np.testing.assert_array_equal(np.stack([scan.read() for scan in found]), wanted)


def test_optovue(tmp_path: Path) -> None:
    values = np.linspace(-1, 4, 60).reshape(3, 4, 5)
    found = load_oct_dataset(optovue(tmp_path / "a.OCT", values, eye="OS"))
    assert (len(found), found[0].eye, found[0].patient) == (3, "left", None)
    wanted = np.rint(np.maximum(values, 0) / 4 * 255)
    np.testing.assert_allclose(np.stack([scan.read() for scan in found]).astype(int), wanted, atol=1)


def test_damage_is_an_error_that_says_what_is_wrong(tmp_path: Path, capsys: Any) -> None:
    path = bioptigen(tmp_path / "a.oct")
    content = path.read_bytes()
    bad = {
        "short.oct": (content[:-30], "cut off|could not read|stream"),
        "shorter.oct": (content[:-100], "cut off|could not read|stream"),
        "head.oct": (content[:300], "cut off|could not read|stream"),
        "n.oct": (bioptigen(tmp_path / "x", n=2**31).read_bytes(), "which no scan has"),
        "width.oct": (bioptigen(tmp_path / "x", width=2**20).read_bytes(), "cut off"),
        "scans.oct": (bioptigen(tmp_path / "x", scans=3).read_bytes(), "oct-converter can't read"),
        "kind.oct": (bioptigen(tmp_path / "x", kind=2).read_bytes(), "of the kind 2, which oct-converter can't read"),
        "alone.oct": (b"\0" * 80, r"Optovue's need alone\.txt beside them"),
    }
    for name, (damaged, said) in bad.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(UnreadableScanError, match=rf"{name} can't be read as a scan \(.*({said})"):
            load_oct_dataset(tmp_path / name)[0].read()
    assert capsys.readouterr() == ("", "")


def test_optovue_that_is_cut_off_or_holds_more_than_is_read(tmp_path: Path) -> None:
    values = np.ones((3, 4, 5))
    two = optovue(tmp_path / "two.oct", values, scans=2)
    with pytest.raises(UnreadableScanError, match="it holds 2 scans, of which oct-converter reads the first alone"):
        load_oct_dataset(two)[0].read()
    one = optovue(tmp_path / "one.oct", values)
    one.write_bytes(one.read_bytes()[:-4])
    with pytest.raises(UnreadableScanError, match="it is cut off"):
        load_oct_dataset(one)[0].read()
    one.with_suffix(".txt").write_text("nothing of the kind")
    with pytest.raises(UnreadableScanError, match=r"one\.txt must tell of one scan, and tells of 0"):
        load_oct_dataset(one)[0].read()
