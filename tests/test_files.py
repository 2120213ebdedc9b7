"""Files: whole or not at all, and nothing left beside them."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib._files import is_part, remove_parts, written_whole


@pytest.fixture
def former(tmp_path: Path) -> Path:
    file = tmp_path / "note.txt"
    file.write_text("former", encoding="utf-8")
    return file


def test_the_former_file_stands_until_the_new_one_is_whole(former: Path) -> None:
    with written_whole(former) as part:
        part.write_text("half", encoding="utf-8")
        assert former.read_text(encoding="utf-8") == "former"
        assert part.parent == former.parent  # a move from another disk would be a copy
        assert part.suffix == ".txt"
    assert former.read_text(encoding="utf-8") == "half"
    assert list(former.parent.iterdir()) == [former]


@pytest.mark.parametrize("error", [OSError("No space left on device"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_what_was_there(former: Path, error: BaseException) -> None:
    def break_off(target: Path) -> None:
        with written_whole(target) as part:
            part.write_text("half", encoding="utf-8")
            raise error

    for target in (former, former.with_name("other.txt")):
        with pytest.raises(type(error)):
            break_off(target)
    assert former.read_text(encoding="utf-8") == "former"
    assert list(former.parent.iterdir()) == [former]


def test_nothing_is_left_when_the_file_cannot_take_its_place(former: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("somebody has it open")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with (
            pytest.raises(PermissionError, match=r"note\.txt could not be written \(somebody.*\)"),
            written_whole(former) as part,
        ):
            part.write_text("new", encoding="utf-8")
    assert former.read_text(encoding="utf-8") == "former"
    assert list(former.parent.iterdir()) == [former]


@given(st.from_regex(r"[a-z.]{0,5}[a-z](\.[a-z]{1,4}){0,2}", fullmatch=True).filter(lambda name: name.strip(".")))
def test_parts_are_known_for_what_they_are(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    target = tmp_path_factory.mktemp("folder") / name
    with written_whole(target) as part:
        assert is_part(part)
    assert not is_part(target)


@pytest.mark.parametrize("name", ["config.json", ".gitignore", "a.part", ".scan.part", ".mine.part.txt", "x-12345678"])
def test_files_of_other_people_are_no_parts(name: str) -> None:
    assert not is_part(Path(name))


def test_a_full_disk_is_said_in_words_once(former: Path) -> None:
    def fill() -> None:
        with written_whole(former.with_name("outer.txt")), written_whole(former):
            raise OSError(errno.ENOSPC, "No space left on device")

    words = (
        r"^\S*note\.txt could not be written \(No space left on device\), and what was there is as it was\. Make room"
    )
    with pytest.raises(OSError, match=words):
        fill()
    assert former.read_text(encoding="utf-8") == "former"
    assert list(former.parent.iterdir()) == [former]


def test_what_killed_processes_left_is_removed_and_nothing_else(former: Path) -> None:
    (former.parent / ".note-0123abcd.part.txt").touch()
    (former.parent / ".mine.part.txt").touch()
    remove_parts(former.parent)
    assert {path.name for path in former.parent.iterdir()} == {"note.txt", ".mine.part.txt"}


def test_a_file_in_the_way_of_a_folder_is_named(former: Path) -> None:
    def write() -> None:
        with written_whole(former / "below" / "file.txt"):
            pass

    with pytest.raises(OSError, match=r"file\.txt could not be written \(Not a directory\)"):
        write()
