"""Member: where the bytes of a file lie in an archive, and what lies beside it."""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from octlib.archives.names import why_outside

# Images hold noise, and none of this size shrinks that far; of smaller ones no harm comes.
LARGE, SHRUNK = 2**26, 100


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        offset: where it begins in the archive, in bytes: its content or, in a zip archive, its header.
        size: of its content, in bytes.
        packed: size in a zip archive.
        method: by which a zip archive packs it.
        crc: checksum that a zip archive states.
        name: as the bytes of a zip archive have it.
        problem: why it can't be read; empty where nothing is known against it.
    """

    offset: int
    size: int
    packed: int = 0
    method: int = 0
    crc: int = 0
    name: bytes = b""
    problem: str = ""


@dataclass
class Index:
    """What is in an archive.

    Args:
        members: the files, by their paths with forward slashes, in the order of the archive.
        strangers: names of what is neither file nor folder, or can't lie below the archive, each with the reason.
        folders: by its path, ``""`` for the archive itself, the names of what each holds: true for a folder.
    """

    members: dict[str, Member] = field(default_factory=dict)
    strangers: list[tuple[str, str]] = field(default_factory=list)
    folders: dict[str, dict[str, bool]] = field(default_factory=lambda: {"": {}})

    def add(self, name: str, member: Member, kind: str = "") -> None:
        """Enter a file or, of another kind such as ``"a link"``, a stranger."""
        why = why_outside(name) or (f"it is {kind}" if kind else "")
        plain = posixpath.normpath(name)
        if why or plain == ".":
            self.strangers.append((name, why or "it has no name"))
            return
        if plain in self.members:
            member = member._replace(problem="several members have this name")
        self.members[plain] = member

    def close(self) -> None:
        """Fill the folders when all is entered, and mark names that no folder could hold beside each other."""
        lower: dict[str, str] = {}
        for name in self.members:
            first = lower.setdefault(name.lower(), name)
            if first != name:
                self._mark(name, f"another member, {first}, differs by upper and lower case alone")
            folder, _, last = name.rpartition("/")
            self.folders.setdefault(folder, {}).setdefault(last, False)
        for folder in list(self.folders):
            while folder:
                folder, _, last = folder.rpartition("/")  # noqa: PLW2901 - upwards, to the archive itself
                held = self.folders.setdefault(folder, {})
                if held.get(last):
                    break
                held[last] = True
        for name in self.members.keys() & self.folders.keys():
            self._mark(name, "a folder has the same name")

    def _mark(self, name: str, problem: str) -> None:
        self.members[name] = self.members[name]._replace(problem=problem)


def is_bomb(packed: int, size: int) -> bool:
    """Say whether content has grown, or will grow, as no images do.

    Args:
        packed: bytes in the archive.
        size: bytes unpacked.
    """
    return size > max(LARGE, SHRUNK * packed)


def require_whole(content: bytes, size: int, crc: int | None = None) -> bytes:
    """Give content back whose size, and checksum where one is known, are as stated.

    Raises:
        ValueError: if they aren't.
    """
    if len(content) != size:
        raise ValueError(f"it has {'more' if len(content) > size else 'fewer'} bytes than the {size:,} stated")
    if crc is not None and zlib.crc32(content) != crc:
        raise ValueError("its checksum is wrong")
    return content


def index_of(entries: Iterable[tuple[str, Member, str]]) -> Index:
    """Make an index of names, members and kinds."""
    index = Index()
    for name, member, kind in entries:
        index.add(name, member, kind)
    index.close()
    return index
