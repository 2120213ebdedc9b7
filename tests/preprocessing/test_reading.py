"""Reading: every kind of file becomes the same 8-bit grey scan, or an error that names it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octlib.errors import MissingScanError, UnreadableScanError
from octlib.preprocessing import as_grey, check_images, read_scan, reading, why_unreadable


@pytest.fixture
def scan() -> np.ndarray:
    rows, columns = np.mgrid[:496, :512]
    return ((rows + columns) % 256).astype(np.uint8)


def test_grey_arrays_of_every_shape_agree(scan: np.ndarray) -> None:
    coloured = np.repeat(scan[..., None], 3, axis=2)
    for image in (scan, scan[..., None], coloured):
        np.testing.assert_array_equal(as_grey(image), scan)


def test_colours_become_luminance() -> None:
    red_green_blue = np.eye(3, dtype=np.uint8)[None] * 255
    assert as_grey(red_green_blue).tolist() == [[76, 150, 29]]


def test_floats_are_refused_because_their_range_is_unknown() -> None:
    with pytest.raises(TypeError, match=r"uint8 grey values in 0-255, got float64"):
        as_grey(np.zeros((4, 4)))


@pytest.mark.parametrize("values", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_counted(values: float) -> None:
    images = np.zeros((2, 4, 4), np.float32)
    images[0, 0, :3] = values
    with pytest.raises(TypeError, match=r"got float32 with 3 NaN or infinite values, to be replaced first"):
        check_images(images)
    with pytest.raises(TypeError, match=r"got float32 with 3 NaN"):
        as_grey(images[0])


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (2, 4, 4, 3), (0, 4), (4, 4, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one scan at a time"):
        as_grey(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "pgm", "gif"])
def test_lossless_files_keep_every_pixel(scan: np.ndarray, tmp_path: Path, suffix: str) -> None:
    Image.fromarray(scan).save(tmp_path / f"scan.{suffix}")
    np.testing.assert_array_equal(read_scan(tmp_path / f"scan.{suffix}"), scan)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "LA", "CMYK"])
def test_grey_in_a_colour_mode_is_the_same_grey(scan: np.ndarray, tmp_path: Path, mode: str) -> None:
    file = tmp_path / "scan.tif"
    Image.fromarray(scan).convert("RGB" if mode == "CMYK" else "L").convert(mode).save(file)
    assert np.abs(read_scan(file).astype(int) - scan).max() <= 1


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 128, 129, 257 * 100, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"scan.{suffix}")
    assert read_scan(tmp_path / f"scan.{suffix}").tolist() == [[0, 0, 1, 100, 255]]


def test_black_and_white_files_span_the_range(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1").save(tmp_path / "scan.png")
    assert read_scan(tmp_path / "scan.png").tolist() == [[0, 255]]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_of_unknown_range_are_refused(tmp_path: Path, dtype: type) -> None:
    Image.fromarray(np.full((4, 4), 100_000, dtype=dtype)).save(tmp_path / "scan.tif")
    with pytest.raises(UnreadableScanError, match=r"scan\.tif.*range is unknown"):
        read_scan(tmp_path / "scan.tif")


def test_transparency_becomes_black(tmp_path: Path) -> None:
    pixels = np.array([[[200, 200, 200, 255], [200, 200, 200, 0]]], dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.png")
    assert read_scan(tmp_path / "scan.png").tolist() == [[200, 0]]


def test_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((4, 4), grey, dtype=np.uint8)) for grey in (10, 200)]
    frames[0].save(tmp_path / "scan.tif", save_all=True, append_images=frames[1:])
    assert (read_scan(tmp_path / "scan.tif") == 10).all()


def test_a_jpeg_is_reduced_but_never_below_what_is_asked(scan: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "scan.jpeg"
    Image.fromarray(scan).save(file)
    assert read_scan(file).shape == (496, 512)
    assert read_scan(file, at_least=(248, 256)).shape == (248, 256)
    assert read_scan(file, at_least=(100, 140)).shape == (248, 256)
    assert read_scan(file, at_least=(62, 64)).shape == (62, 64)
    assert read_scan(file, at_least=(600, 100)).shape == (496, 512)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for absent in (tmp_path / "absent.png", tmp_path / "file" / "absent.png", tmp_path / "folder.png"):
        with pytest.raises(MissingScanError, match=rf"there is none at .*{absent.name}\. Check the path") as caught:
            read_scan(absent)
        assert why_unreadable(caught.value) == "no such file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scan.png")
    with pytest.raises(MissingScanError):
        read_scan(tmp_path / "scan.png")


def test_links_in_a_circle_are_named(tmp_path: Path) -> None:
    (tmp_path / "scan.png").symlink_to(tmp_path / "scan.png")
    with pytest.raises(UnreadableScanError, match=r"scan\.png can't be read as a scan \(Too many levels"):
        read_scan(tmp_path / "scan.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user who may not read all")
def test_a_closed_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(b"anything")
    (tmp_path / "scan.png").chmod(0)
    with pytest.raises(UnreadableScanError, match=r"scan\.png can't be read as a scan \(Permission denied\)"):
        read_scan(tmp_path / "scan.png")


@pytest.mark.parametrize("content", [b"no picture", b"\xff\xd8\xff\xe0 JPEG", b"\x89PNG\r\n\x1a\n broken"])
def test_a_file_without_an_image_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "junk.png").write_bytes(content)
    with pytest.raises(UnreadableScanError, match=r"junk\.png can't be read as a scan.*leave it out"):
        read_scan(tmp_path / "junk.png")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "scan.png").touch()
    with pytest.raises(UnreadableScanError, match=r"scan\.png can't be read as a scan \(the file is empty\)"):
        read_scan(tmp_path / "scan.png")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied", "scan.png"), "Permission denied"),
        (OSError("broken\ndata  stream"), "broken data stream"),
        (EOFError(), "EOFError"),
        (OSError(errno.EINVAL, "Invalid argument"), "Invalid argument"),  # damage sends Pillow to a place before 0
    ],
)
def test_reasons_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    def fail(*_: object) -> None:
        raise error

    (tmp_path / "scan.png").write_bytes(b"anything")
    monkeypatch.setattr(reading.Image, "open", fail)
    with pytest.raises(UnreadableScanError, match=rf"scan\.png can't be read as a scan \({reason}\)") as caught:
        read_scan(tmp_path / "scan.png")
    assert why_unreadable(caught.value) == reason


@pytest.mark.parametrize("error", [MemoryError(), *(OSError(code, "") for code in (errno.EMFILE, errno.EIO))], ids=repr)
def test_what_ails_the_machine_is_not_said_of_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "scan.png")
    monkeypatch.setattr(reading, "_to_grey", fail)
    with pytest.raises(type(error)) as caught:
        read_scan(tmp_path / "scan.png")
    assert caught.value is error


def test_a_reason_without_a_cause_is_the_error_itself() -> None:
    assert why_unreadable(UnreadableScanError("no pixels")) == "no pixels"


@pytest.mark.parametrize("suffix", ["jpeg", "png", "tif", "bmp"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.95])
def test_a_cut_off_file_is_named(scan: np.ndarray, tmp_path: Path, suffix: str, share: float) -> None:
    file = tmp_path / f"cut.{suffix}"
    Image.fromarray(scan).save(file)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(UnreadableScanError, match=rf"cut\.{suffix} can't be read as a scan"):
        read_scan(file)


def test_a_decompression_bomb_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.zeros((100, 100), dtype=np.uint8)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(reading, "MAX_PIXELS", 5000)
    with pytest.raises(UnreadableScanError, match=r"bomb\.png.*100 x 100 pixels"):
        read_scan(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)  # above twice this, Pillow refuses by itself
    with pytest.raises(UnreadableScanError, match=r"bomb\.png.*decompression bomb"):
        read_scan(tmp_path / "bomb.png")


def test_real_scans_are_read_at_their_size(kermany: Path) -> None:
    shapes = {read_scan(file).shape for file in sorted(kermany.glob("*/*.jpeg"))[::20]}
    assert shapes <= {(496, 512), (496, 768), (496, 1536)}
