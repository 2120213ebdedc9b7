"""Readable: everything that can't be read is named at once."""

from __future__ import annotations

import pytest

from octlib.data import load_oct_dataset, require_readable
from octlib.data.readable import SHOWN, leave_out_unreadable, unreadable


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
    with pytest.raises(ValueError, match=r"^4 of 5 scans can't be read: .*on_error='skip'") as caught:
        require_readable(mixed)
    text = str(caught.value)
    assert "b.png (not an image); " in text
    assert all(f"{letter}.png (" in text for letter in "bcde")
    assert "a.png" not in text
    assert "\n" not in text


def test_readable_scans_pass(mixed):
    require_readable(mixed.subset([0, 0]))
    require_readable([])


def test_missing_files_alone_are_not_found(mixed):
    with pytest.raises(FileNotFoundError, match=r"^1 of 2 scans can't be read: .*e\.png \(no such file\)"):
        require_readable(mixed.subset([0, 4]))


def test_many_are_counted_and_not_all_shown(plant):
    root = plant(*(f"{number:02}.png" for number in range(SHOWN + 5)))
    for path in root.iterdir():
        path.write_text("no image")
    with pytest.raises(ValueError, match="^25 of 25 scans can't be read: .*19.png .*; and 5 more. Replace") as caught:
        require_readable(load_oct_dataset(root))
    assert str(caught.value).count("not an image") == SHOWN


def test_the_rest_stays_in_order(mixed):
    scans, remark = leave_out_unreadable([*mixed, mixed[0]])
    assert [scan.name for scan in scans] == ["a.png", "a.png"]
    assert remark.startswith("4 of 6 scans can't be read and were left out: ")
    assert "c.png (the file is empty)" in remark
    assert leave_out_unreadable(scans) == (scans, "")


def test_nothing_left_is_an_error(mixed):
    with pytest.raises(ValueError, match=r"None of the 4 scans can be read: .*b\.png \(not an image\)"):
        leave_out_unreadable(mixed[1:])
