"""Readable: everything that can't be read is named at once."""

from __future__ import annotations

import contextlib
import errno
import os

import pytest
from PIL import Image

from octlib.data import load_oct_dataset, require_readable
from octlib.data.readable import SHOWN, leave_out_unreadable, unreadable
from octlib.errors import MissingScanError, UnreadableScanError


@pytest.fixture
def mixed(plant):
    """Give five images, of which b is text, c is empty, d is cut off and e is gone."""
    root = plant(*(f"{letter}.png" for letter in "abcde"))
    scans = load_oct_dataset(root)
    (root / "b.png").write_text("no image")
    (root / "c.png").write_bytes(b"")
    (root / "d.png").write_bytes((root / "d.png").read_bytes()[:50])
    (root / "e.png").unlink()
    return scans


def test_each_has_its_reason(mixed):
    failures = unreadable(mixed)
    assert [scan.name for scan, _ in failures] == ["b.png", "c.png", "d.png", "e.png"]
    reasons = dict(zip("bcde", (reason for _, reason in failures), strict=True))
    assert (reasons["b"], reasons["c"], reasons["e"]) == ("not an image", "the file is empty", "no such file")
    assert reasons["d"]  # in Pillow's words


def test_one_error_names_all(mixed):
    with pytest.raises(UnreadableScanError, match=r"^4 of 5 scans can't be read: .*on_error='skip'") as caught:
        require_readable(mixed)
    text = str(caught.value)
    assert "b.png (not an image); " in text
    assert all(f"{letter}.png (" in text for letter in "bcde")
    assert "a.png" not in text
    assert "\n" not in text
    assert caught.value.problem.startswith("4 of 5 scans")
    assert "skip" not in caught.value.problem
    assert caught.value.advice.startswith("Replace them")


def test_readable_scans_pass(mixed):
    require_readable(mixed.subset([0, 0]))
    require_readable([])


def test_missing_files_alone_are_not_found(mixed):
    with pytest.raises(MissingScanError, match=r"^1 of 2 scans can't be read: .*e\.png \(no such file\)"):
        require_readable(mixed.subset([0, 4]))


def test_many_are_counted_and_not_all_shown(plant):
    root = plant(*(f"{number:02}.png" for number in range(SHOWN + 5)))
    for path in root.iterdir():
        path.write_text("no image")
    with pytest.raises(ValueError, match="^25 of 25 scans can't be read: .*19.png .*; and 5 more. Replace") as caught:
        require_readable(load_oct_dataset(root))
    assert str(caught.value).count("not an image") == SHOWN


def test_the_rest_stays_in_order(mixed):
    scans, remark = leave_out_unreadable([*mixed, *mixed.subset([0])])
    assert [scan.name for scan in scans] == ["a.png", "a.png"]
    assert remark.startswith("4 of 6 scans can't be read and were left out: ")
    assert "c.png (the file is empty)" in remark
    assert leave_out_unreadable(scans) == (scans, "")


def test_nothing_left_is_an_error(mixed):
    with pytest.raises(UnreadableScanError, match=r"None of the 4 scans can be read: .*b\.png \(not an image\)"):
        leave_out_unreadable(mixed.subset([1, 2, 3, 4]))


OF_THE_MACHINE = [
    MemoryError(),
    *(OSError(getattr(errno, name), name) for name in ("EMFILE", "ENFILE", "EIO", "ENOMEM", "ETIMEDOUT")),
]


@pytest.fixture
def failing(plant, monkeypatch):
    """Give three images, and a way to make the decoder fail with an error at the second."""
    root = plant("a.png", "b.png", "c.png")
    decode = Image.open

    def fail_with(error):
        def opened(source, *arguments, **options):
            if str(getattr(source, "name", source)).endswith("b.png"):
                raise error
            return decode(source, *arguments, **options)

        monkeypatch.setattr(Image, "open", opened)
        return root

    return fail_with


@pytest.mark.parametrize("error", OF_THE_MACHINE, ids=repr)
def test_no_scan_is_dropped_because_the_machine_fails(failing, error):
    root = failing(error)
    for read in (
        lambda: load_oct_dataset(root, on_error="skip"),
        lambda: require_readable(load_oct_dataset(root)),
        lambda: load_oct_dataset(root).audit(),
        lambda: load_oct_dataset(root).images(8),
        lambda: list(load_oct_dataset(root).batches(8, size=1)),
    ):
        with pytest.raises(type(error)) as caught:
            read()
        assert caught.value is error


def test_a_scan_that_this_user_may_not_read_is_named_and_left_out_with_its_reason(failing):
    root = failing(PermissionError(errno.EACCES, "Permission denied", "b.png"))
    with pytest.raises(UnreadableScanError, match=r"^1 of 3 scans can't be read: .*b\.png \(Permission denied\)\. "):
        load_oct_dataset(root).images(8)
    with pytest.warns(UserWarning, match=r"1 of 3 scans .* left out: .*b\.png \(Permission denied\)"):
        assert len(load_oct_dataset(root, on_error="skip")) == 2


def test_scans_of_which_this_user_may_read_none_are_an_error(plant, monkeypatch):
    root = plant("a.png", "b.png")

    def closed(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Image, "open", closed)
    with pytest.raises(UnreadableScanError, match=r"None of the 2 scans can be read: .*\(Permission denied\)"):
        load_oct_dataset(root, on_error="skip")


def test_too_many_open_files_are_what_the_error_says(plant):
    resource = pytest.importorskip("resource")
    scans = load_oct_dataset(plant("a.png", "b.png"))
    scans.images(8)  # whatever is imported for reading is imported now
    limits, opened = resource.getrlimit(resource.RLIMIT_NOFILE), []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limits[0]), limits[1]))
        with contextlib.suppress(OSError):
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(OSError, match="Too many open files") as caught:
            leave_out_unreadable(scans)
    finally:
        for each in opened:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (type(caught.value), caught.value.errno) == (OSError, errno.EMFILE)
