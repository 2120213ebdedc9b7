"""Member: what an archive says of itself is entered, and what can't be true is marked."""

from __future__ import annotations

import zlib

import pytest

from octlib.archives.member import Member, index_of, is_bomb, require_whole


def problems(*names: str) -> dict[str, str]:
    index = index_of((name, Member(0, 1), "") for name in names)
    return {name: member.problem for name, member in index.members.items() if member.problem}


def test_folders_are_those_that_hold_something() -> None:
    index = index_of((name, Member(0, 1), "") for name in ("./a/b/1.png", "a//2.png", "3.png"))
    assert index.folders == {
        "": {"3.png": False, "a": True},
        "a": {"2.png": False, "b": True},
        "a/b": {"1.png": False},
    }


def test_names_that_no_folder_could_hold_beside_each_other() -> None:
    assert "several members" in problems("a/1.png", "./a/1.png")["a/1.png"]
    assert "upper and lower case" in problems("a/1.png", "A/1.PNG")["A/1.PNG"]
    assert "a folder has the same name" in problems("a.png/1.png", "a.png")["a.png"]
    assert problems("a/1.png", "b/1.png", "Straße.png", "Strasse.png") == {}


def test_strangers() -> None:
    index = index_of([("a", Member(0, 0), "a link"), ("../b", Member(0, 0), ""), (".", Member(0, 0), "")])
    assert [why for _, why in index.strangers] == [
        "it is a link",
        "it would lie outside of the folder",
        "it has no name",
    ]
    assert index.members == {}


def test_bombs_are_large_and_shrink_as_no_image_does() -> None:
    assert is_bomb(10**6, 10**9)
    assert not is_bomb(10**3, 10**6)  # a black image
    assert not is_bomb(10**8, 10**9)


def test_content_must_be_as_stated() -> None:
    content = b"scan"
    assert require_whole(content, 4, zlib.crc32(content)) == content
    for size, crc, why in [(3, None, "more bytes"), (5, None, "fewer bytes"), (4, 1, "checksum")]:
        with pytest.raises(ValueError, match=why):
            require_whole(content, size, crc)
